/** Shorter lines (brackets, `else {`) are in every text. */
const leastCharacters = 12;

/** Lines of a text that can tell it from another one. */
export interface TellingLines {
  /** Of each line with white space folded; of equal lines the same number, of different ones hardly ever (2^-53). */
  hashes: Float64Array;
  /** Characters of each, white space folded. */
  lengths: Uint32Array;
}

const [space, lastAscii] = [32, 127];
const isSpace = (code: number): boolean =>
  code <= lastAscii ? code === space || (code >= 9 && code <= 13) : isOther(code);
const isOther = (code: number): boolean => /\s/.test(String.fromCharCode(code));

/** Reads the lines of a text without making a text of each: two hashes of 32 bits (FNV-1a by UTF-16 units, two seeds). */
export function readTellingLines(text: string): TellingLines {
  const hashes: number[] = [];
  const lengths: number[] = [];
  for (let at = 0; at < text.length; at++) {
    let [low, high, length] = [0x811c9dc5, 0x9e3779b9, 0];
    let isGap = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10) break;
      if (isSpace(code)) {
        isGap = length > 0;
        continue;
      }
      if (isGap) {
        low = Math.imul(low ^ space, 0x01000193);
        high = Math.imul(high ^ space, 0x85ebca6b);
        length++;
        isGap = false;
      }
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
      length++;
    }
    if (length < leastCharacters) continue;
    hashes.push((high >>> 11) * 2 ** 32 + (low >>> 0));
    lengths.push(length);
  }
  return { hashes: Float64Array.from(hashes), lengths: Uint32Array.from(lengths) };
}
