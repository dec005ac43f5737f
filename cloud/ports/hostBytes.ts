/**
 * What each request needs of bytes, by the means of the host. Those of the Web go through another thread or a stream:
 * for texts as short as a key that takes many times as long as the work itself.
 */
export interface HostBytes {
  /** SHA-256 of a text in UTF-8, 64 hexadecimal digits. */
  readonly sha256: (text: string) => string | Promise<string>;
  /** A text in UTF-8, compressed. */
  readonly gzip: (text: string) => Promise<Uint8Array<ArrayBuffer>>;
}
