/** API keys: `ck_live_` or `ck_test_` and 32 letters and digits, 190 bits. */

export const environments = ['live', 'test'] as const;
export type Environment = (typeof environments)[number];

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const randomLength = 32;
const format = /^ck_(live|test)_[A-Za-z0-9]{32}$/;

/** Each character is as likely as any other: bytes above the last whole multiple of 62 are thrown away. */
export function makeKey(environment: Environment): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < randomLength) {
    for (const byte of crypto.getRandomValues(new Uint8Array(randomLength))) {
      if (byte < limit && text.length < randomLength) text += alphabet[byte % alphabet.length];
    }
  }
  return `ck_${environment}_${text}`;
}

export interface ParsedKey {
  environment: Environment;
  /** The first 8 characters after `ck_`, by which a key is looked up. */
  prefix: string;
}

/** Undefined for what is no key, by its form. */
export function parseKey(key: string): ParsedKey | undefined {
  const match = format.exec(key);
  return match === null ? undefined : { environment: match[1] as Environment, prefix: key.slice(3, 11) };
}
