/**
 * MurmurHash3 (x86, 32 bit; Austin Appleby, public domain) over whole 32-bit words: finds damage, resists nobody.
 * `words` from `start` on, `count` of them.
 */
export function checksum(words: Uint32Array, start: number, count: number, seed = 0): number {
  let hash = seed | 0;
  for (let i = start; i < start + count; i++) {
    let word = Math.imul(words[i]!, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= count * 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
