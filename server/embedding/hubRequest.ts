import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { proxyFor, shownProxy } from './proxyFor.ts';

/** How the hub is reached. */
export interface Network {
  env: Readonly<Record<string, string | undefined>>;
  /** Stands above the proxies of the environment; '' for none. */
  proxy: string;
  /** PEM; undefined: what Node trusts by itself. */
  certificates: string[] | undefined;
  /** Until the head of an answer is there. */
  answerTimeoutMs: number;
}

/** Why a request, or a file, failed. */
export class HubError extends Error {
  constructor(
    message: string,
    readonly options: {
      /** May go better another time: worth a retry. */
      transient: boolean;
      hint?: string;
      /** As the server asks. */
      retryAfterMs?: number;
      cause?: unknown;
      details?: Record<string, unknown>;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

const mostRedirects = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

const certificateFaults =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** What an error of the network means. */
export function networkError(error: unknown, host: string): HubError {
  if (error instanceof HubError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (certificateFaults.test(code))
    return new HubError(`${host} has a certificate that is not trusted here (${code})`, {
      transient: false,
      hint: 'If your network looks into encrypted traffic, name its certificate in NODE_EXTRA_CA_CERTS or CONTEXTKIT_CA_FILE.',
      cause: error,
    });
  if (code === 'ENOTFOUND')
    return new HubError(`${host} is not found`, {
      transient: false,
      hint: 'Is this machine online? Behind a proxy, set HTTPS_PROXY.',
      cause: error,
    });
  return new HubError(`the connection to ${host} failed (${code === '' ? message : code})`, {
    transient: true,
    hint: 'Try again later. Behind a proxy, set HTTPS_PROXY.',
    cause: error,
  });
}

function agentOf(url: URL, proxy: URL | null, ca: string[] | undefined): http.Agent {
  const trust = ca === undefined ? {} : { ca };
  if (proxy === null) return url.protocol === 'https:' ? new https.Agent(trust) : new http.Agent();
  return url.protocol === 'https:' ? new HttpsProxyAgent(proxy, trust) : new HttpProxyAgent(proxy, trust);
}

interface Asked {
  headers: Record<string, string>;
  signal: AbortSignal | undefined;
  network: Network;
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** One request, one answer, no redirects. */
function ask(url: URL, { headers, signal, network }: Asked): Promise<http.IncomingMessage> {
  const proxy = proxyFor(url, network.env, network.proxy);
  const { certificates: ca, answerTimeoutMs } = network;
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      headers: { 'User-Agent': 'contextkit', 'Accept-Encoding': 'identity', ...headers },
      agent: agentOf(url, proxy, ca),
      ...(ca === undefined ? {} : { ca }),
      // Through a tunnel the name of the host is lost where it is an address, and `localhost` would be looked for.
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(hostOf(url), certificate),
      ...(signal === undefined ? {} : { signal }),
    });
    const timer = setTimeout(
      () =>
        sent.destroy(
          new HubError(`${url.host} does not answer`, { transient: true, hint: 'Behind a proxy, set HTTPS_PROXY.' }),
        ),
      answerTimeoutMs,
    );
    sent.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      if (statusCode !== 200) sent.destroy(proxyRefusal(proxy, statusCode));
    });
    sent.once('error', (error) => {
      clearTimeout(timer);
      reject(signal?.aborted === true ? error : networkError(error, proxy === null ? url.host : shownProxy(proxy)));
    });
    sent.once('response', (answer) => {
      clearTimeout(timer);
      if (answer.statusCode === 407) {
        answer.destroy();
        reject(proxyRefusal(proxy, 407));
      } else resolve(answer);
    });
    sent.end();
  });
}

function proxyRefusal(proxy: URL | null, status: number): HubError {
  return new HubError(`the proxy${proxy === null ? '' : ` ${shownProxy(proxy)}`} refuses (${status})`, {
    transient: status >= 500,
    hint:
      status === 407
        ? 'It wants a name and a password: write them as http://name:password@host:port.'
        : 'Ask whoever runs it to let the model hub through, or import the model from a folder.',
    details: { status },
  });
}

function redirected(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href))
    throw new HubError(`${from.host} leads to an address that is none`, { transient: false });
  const to = new URL(location, from);
  if (!/^https?:$/.test(to.protocol) || (from.protocol === 'https:' && to.protocol === 'http:'))
    throw new HubError(`${from.host} leads to ${to.protocol}//${to.host}, which is not encrypted`, {
      transient: false,
    });
  return to;
}

export interface HubAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** To be read or destroyed. */
  body: http.IncomingMessage;
  /** After all redirects. */
  url: URL;
}

/** A GET that follows redirects. Throws HubError, or an AbortError once the signal is given. */
export async function hubRequest(url: URL, asked: Asked): Promise<HubAnswer> {
  let at = url;
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const body = await ask(at, asked);
    const { statusCode: status = 0, headers } = body;
    if (!redirects.has(status)) return { status, headers, body, url: at };
    body.destroy();
    at = redirected(at, headers.location ?? '');
  }
  throw new HubError(`${url.host} leads from address to address without end`, { transient: false });
}
