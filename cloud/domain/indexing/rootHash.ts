import { sha256 } from '../bytes.ts';

export interface ManifestEntry {
  path: string;
  hash: string;
}

/** Code units of UTF-16 order as UTF-8 does but for pairs of surrogates, which stand for more than U+FFFF. */
const rank = (unit: number): number => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

/** In the order of the bytes of UTF-8. */
export function compareByBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** SHA-256 over the lines `path NUL content-hash LF` in the order of the paths' bytes: equal for equal trees alone. */
export async function rootHashOf(files: readonly ManifestEntry[]): Promise<string> {
  const sorted = [...files].sort((a, b) => compareByBytes(a.path, b.path));
  return sha256(sorted.map(({ path, hash }) => `${path}\0${hash}\n`).join(''));
}
