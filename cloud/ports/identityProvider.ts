/** Who a person is, as their identity provider says. */
export interface Identity {
  provider: 'github';
  /** The provider's own id: it stays when name and address change. */
  subject: string;
  /** Verified by the provider, in lower case. */
  email: string;
  name: string | null;
  avatarUrl: string | null;
}

export interface IdentityProvider {
  /**
   * Exchanges a session of the provider for what it says about the person.
   * @returns undefined where the provider does not accept the token, or knows no verified address.
   * @throws {IdentityProviderError} when the provider does not answer, or answers nonsense.
   */
  identify(accessToken: string): Promise<Identity | undefined>;
}

export class IdentityProviderError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'IdentityProviderError';
  }
}
