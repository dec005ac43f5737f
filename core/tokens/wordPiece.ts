/**
 * BERT's uncased WordPiece (greedy longest match, as in the original implementation and in HuggingFace's
 * `BertNormalizer` + `BertPreTokenizer` + `WordPiece`), for counting how much of a text a model can see.
 */
export interface WordPiece {
  /** Token ids without [CLS] and [SEP]. */
  ids: (text: string) => number[];
  /** Number of tokens without [CLS] and [SEP]. Counts of whole lines add up. */
  count: (text: string) => number;
}

const maxWordCharacters = 100;
const maxCachedWords = 100_000;

/** What a character of ASCII is to the tokenizer. */
const Kind = { word: 0, space: 1, punctuation: 2, dropped: 3 } as const;

const asciiKind = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const isSpace = code === 32 || code === 9 || code === 10 || code === 13;
  const isLetterOrDigit = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  if (isSpace) asciiKind[code] = Kind.space;
  else if (code < 32 || code === 127) asciiKind[code] = Kind.dropped;
  else if (!isLetterOrDigit) asciiKind[code] = Kind.punctuation;
}

/** Text that the tokenizer takes for a token of its own wherever it stands. */
const special = /\[(?:PAD|UNK|CLS|SEP|MASK)\]/g;

const chineseCharacter =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;

/** Words and punctuation of a text with characters outside ASCII, cleaned as BERT does. */
function unicodeWords(text: string): string[] {
  const clean = text
    .replace(/[\0\uFFFD]/g, '')
    .replace(/\s/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    .replace(chineseCharacter, ' $& ')
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '');
  return clean.match(/[!-/:-@[-`{-~\p{P}]|[^\s!-/:-@[-`{-~\p{P}]+/gu) ?? [];
}

/** `vocabulary`: one piece a line, continuations marked with `##`; the line number is the id. */
export function createWordPiece(vocabulary: string): WordPiece {
  const pieces = new Map(vocabulary.split('\n').map((piece, id) => [piece, id]));
  const unknown = pieces.get('[UNK]');
  if (unknown === undefined) throw new RangeError('the vocabulary has no [UNK]');
  const beginnings = new Map<string, number>();
  const continuations = new Map<string, number>();
  let longest = 1;
  for (const [piece, id] of pieces) {
    if (piece.startsWith('##')) continuations.set(piece.slice(2), id);
    // '##' alone is a piece, too, and so is '#': both may begin a word.
    if (!piece.startsWith('##') || piece === '##') beginnings.set(piece, id);
    longest = Math.max(longest, Array.from(piece).length);
  }
  const counts = new Map<string, number>();

  /** Greedy longest match; `parts` are the characters of the word, or the word itself where each is one unit. */
  function split(word: string): readonly number[] {
    const parts = /^[\u0000-\u007f]*$/.test(word) ? word : Array.from(word);
    if (parts.length > maxWordCharacters) return [unknown!];
    const ids: number[] = [];
    for (let start = 0; start < parts.length;) {
      const known = start === 0 ? beginnings : continuations;
      let end = Math.min(parts.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        const piece = parts.slice(start, end);
        id = known.get(typeof piece === 'string' ? piece : piece.join(''));
        if (id !== undefined) break;
      }
      if (id === undefined) return [unknown!];
      ids.push(id);
      start = end;
    }
    return ids;
  }

  function countWord(word: string): number {
    let count = counts.get(word);
    if (count === undefined) {
      count = split(word.toLowerCase()).length;
      if (counts.size >= maxCachedWords) counts.clear();
      counts.set(word, count);
    }
    return count;
  }

  /** Calls `visit` with each word and each punctuation mark. */
  function forEachWord(text: string, visit: (word: string) => void): void {
    let start = -1;
    for (let i = 0; i <= text.length; i++) {
      const code = i < text.length ? text.charCodeAt(i) : 32;
      const kind = code < 128 ? asciiKind[code]! : Kind.dropped;
      if (kind === Kind.word) {
        if (start < 0) start = i;
        continue;
      }
      if (kind === Kind.dropped) {
        // Rare: from the start of this run to the next ASCII space or punctuation by the thorough way.
        let end = i + 1;
        while (end < text.length && isRare(text.charCodeAt(end))) end++;
        for (const word of unicodeWords(text.slice(start >= 0 ? start : i, end))) visit(word);
        start = -1;
        i = end - 1;
        continue;
      }
      if (start >= 0) visit(text.slice(start, i));
      start = -1;
      if (kind === Kind.punctuation) visit(text[i]!);
    }
  }

  /** Words, and the special tokens that stand in the text as such. */
  function visitAll(text: string, visit: (word: string) => void, visitSpecial: (token: string) => void): void {
    if (!text.includes('[')) return forEachWord(text, visit);
    let last = 0;
    for (const match of text.matchAll(special)) {
      forEachWord(text.slice(last, match.index), visit);
      visitSpecial(match[0]);
      last = match.index + match[0].length;
    }
    forEachWord(last > 0 ? text.slice(last) : text, visit);
  }

  return {
    ids(text) {
      const ids: number[] = [];
      visitAll(
        text,
        (word) => ids.push(...split(word.toLowerCase())),
        (token) => ids.push(pieces.get(token)!),
      );
      return ids;
    },
    count(text) {
      let count = 0;
      visitAll(
        text,
        (word) => (count += countWord(word)),
        () => count++,
      );
      return count;
    },
  };
}

const isRare = (code: number): boolean =>
  code > 127 || asciiKind[code] === Kind.word || asciiKind[code] === Kind.dropped;
