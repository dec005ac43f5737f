import { createHash } from 'node:crypto';

/**
 * The id of the point for a text of a project: a UUID of version 8 (RFC 9562, "custom") made of the beginning of
 * SHA-256, so that the same text is the same point, and writing it twice is writing it once.
 */
export function pointId(projectId: string, digest: string): string {
  const bytes = createHash('sha256').update(`${projectId}/${digest}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
