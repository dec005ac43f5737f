import { IdentityProviderError, type Identity, type IdentityProvider } from '../../ports/identityProvider.ts';

export interface GithubIdentityOptions {
  /** `https://api.github.com`, or the address of an own server (`https://host/api/v3`). */
  apiUrl: string;
  timeoutMs?: number;
}

interface Answer {
  status: number;
  body: unknown;
}

/** Undefined for a token that GitHub does not accept, or that may not see this. */
function accepted({ status, body }: Answer): unknown {
  if (status === 401 || status === 403 || status === 404) return undefined;
  if (status !== 200) throw new IdentityProviderError(`the identity provider answered with status ${status}`);
  return body;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The address that is both first and verified; else any verified one. */
function verifiedEmail(list: unknown): string | undefined {
  if (!Array.isArray(list)) throw new IdentityProviderError('the identity provider sent no list of addresses');
  const verified = list.filter((each): each is { email: string; primary?: unknown } => {
    return isRecord(each) && each['verified'] === true && typeof each['email'] === 'string';
  });
  const chosen = verified.find(({ primary }) => primary === true) ?? verified[0];
  return chosen?.email.toLowerCase();
}

/** Who a session of GitHub belongs to, by its REST API. */
export function githubIdentity({ apiUrl, timeoutMs = 5_000 }: GithubIdentityOptions): IdentityProvider {
  const ask = async (path: string, token: string): Promise<Answer> => {
    let response: Response;
    try {
      response = await fetch(`${apiUrl.replace(/\/+$/, '')}${path}`, {
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${token}`,
          'user-agent': 'contextkit-cloud',
        },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, body: response.status === 200 ? await response.json() : undefined };
    } catch (error) {
      throw new IdentityProviderError('the identity provider does not answer', error);
    }
  };

  return {
    identify: async (accessToken): Promise<Identity | undefined> => {
      // It becomes part of a header.
      if (!/^[\x21-\x7e]+$/.test(accessToken)) return undefined;
      const user = accepted(await ask('/user', accessToken));
      if (user === undefined) return undefined;
      if (!isRecord(user) || !Number.isSafeInteger(user['id'])) {
        throw new IdentityProviderError('the identity provider sent something that is no account');
      }
      const emails = accepted(await ask('/user/emails', accessToken));
      const email = emails === undefined ? undefined : verifiedEmail(emails);
      if (email === undefined) return undefined;
      return {
        provider: 'github',
        subject: String(user['id']),
        email,
        name: textOrNull(user['name']),
        avatarUrl: textOrNull(user['avatar_url']),
      };
    },
  };
}
