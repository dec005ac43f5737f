/** Splitting of words as they stand in code into the terms they are searched by. */

const upper = (code: number): boolean => code >= 65 && code <= 90;
const lower = (code: number): boolean => code >= 97 && code <= 122;
const digit = (code: number): boolean => code >= 48 && code <= 57;

/** Where a new part begins: `fooBar` → foo|Bar, `HTTPServer` → HTTP|Server, `utf8` → utf|8, `a_b` → a|b. */
function startsPart(word: string, at: number): boolean {
  const code = word.charCodeAt(at);
  const before = word.charCodeAt(at - 1);
  if (digit(code) !== digit(before)) return true;
  if (!upper(code)) return false;
  return !upper(before) || (at + 1 < word.length && lower(word.charCodeAt(at + 1)));
}

/** Lower-case parts of one ASCII word (letters, digits, `_`, `$`), in order, separators dropped. */
export function identifierParts(word: string): string[] {
  const parts: string[] = [];
  let start = -1;
  for (let i = 0; i <= word.length; i++) {
    const code = i < word.length ? word.charCodeAt(i) : 95;
    const separator = code === 95 || code === 36;
    if (start >= 0 && (separator || startsPart(word, i))) {
      parts.push(word.slice(start, i).toLowerCase());
      start = -1;
    }
    if (start < 0 && !separator) start = i;
  }
  return parts;
}

const maxTermLength = 64;
const ideographs = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** Scripts without spaces are searched by pairs of characters, the usual choice where no dictionary is at hand. */
function bigrams(run: string): string[] {
  const characters = Array.from(run);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, i) => characters[i]! + character);
}

function unicodeTerms(word: string): string[] {
  const terms: string[] = [];
  for (const [run] of word.toLowerCase().matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    if (ideographs.test(run)) terms.push(...bigrams(run));
    else if (run.length > 1) terms.push(run);
  }
  return terms;
}

function isAscii(word: string): boolean {
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) > 127) return false;
  return true;
}

/**
 * Terms of one word: its parts of two and more characters, and the whole word where it has several parts
 * (`parseQuery` → parse, query, parsequery; `snake_case` → snake, case, snake_case).
 */
export function termsOfWord(word: string): string[] {
  if (!isAscii(word)) return unicodeTerms(word.slice(0, maxTermLength * 4));
  if (word.length > maxTermLength * 2) return [];
  const parts = identifierParts(word);
  const terms = parts.filter((part) => part.length > 1 && part.length <= maxTermLength);
  if (parts.length > 1 && word.length <= maxTermLength) terms.push(word.toLowerCase());
  return terms;
}

const wordCode = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  if (upper(code) || lower(code) || digit(code) || code === 95 || code === 36) wordCode[code] = 1;
}

/** Above ASCII: letters, marks and numbers are part of words; spaces and punctuation blocks are not. */
export function isWordCode(code: number): boolean {
  if (code < 128) return wordCode[code] === 1;
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba;
  return !(
    code === 0xd7 ||
    code === 0xf7 ||
    (code >= 0x2000 && code <= 0x206f) ||
    (code >= 0x2190 && code <= 0x2bff) ||
    (code >= 0x3000 && code <= 0x3004) ||
    (code >= 0x3008 && code <= 0x3020) ||
    (code >= 0xff00 && code <= 0xff0f) ||
    code === 0xfeff ||
    code === 0xfffd
  );
}

/** Calls `visit(start, end)` for each word of `text` between two offsets (UTF-16 units). */
export function forEachWord(text: string, from: number, to: number, visit: (start: number, end: number) => void): void {
  let start = -1;
  for (let i = from; i < to; i++) {
    if (isWordCode(text.charCodeAt(i))) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      visit(start, i);
      start = -1;
    }
  }
  if (start >= 0) visit(start, to);
}

/** All terms of a text, with repetitions, in order. For short texts such as paths and queries. */
export function termsOfText(text: string): string[] {
  const terms: string[] = [];
  forEachWord(text, 0, text.length, (start, end) => terms.push(...termsOfWord(text.slice(start, end))));
  return terms;
}
