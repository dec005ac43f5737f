import { createPieceTrie, Root, type Pieces } from './pieceTrie.ts';

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

/** A piece a line, without the mark of continuations; '##' alone is a piece like '#', which may begin a word. */
function piecesOf(vocabulary: string, lines: readonly string[]): Pieces {
  const starts = new Uint32Array(lines.length);
  const ends = new Uint32Array(lines.length);
  const roots = new Uint8Array(lines.length);
  let at = 0;
  for (let id = 0; id < lines.length; id++) {
    const line = lines[id]!;
    const continues = line.startsWith('##') && line.length > 2;
    starts[id] = continues ? at + 2 : at;
    ends[id] = at + line.length;
    roots[id] = continues ? Root.continuation : Root.beginning;
    at += line.length + 1;
  }
  return { text: vocabulary, starts, ends, roots };
}

/** Characters, not UTF-16 units. */
const charactersIn = (text: string, from: number, to: number): number => Array.from(text.slice(from, to)).length;

/** `vocabulary`: one piece a line, continuations marked with `##`; the line number is the id. */
export function createWordPiece(vocabulary: string): WordPiece {
  const lines = vocabulary.split('\n');
  const unknown = lines.indexOf('[UNK]');
  if (unknown < 0) throw new RangeError('the vocabulary has no [UNK]');
  const trie = createPieceTrie(piecesOf(vocabulary, lines));

  /** Number of pieces of the word between two offsets; adds their ids to `ids`. Greedy longest match. */
  function splitWord(text: string, from: number, to: number, ids: number[] | null): number {
    if (to - from > maxWordCharacters && charactersIn(text, from, to) > maxWordCharacters) return unknownWord(ids);
    const before = ids?.length;
    let count = 0;
    for (let start = from; start < to; count++) {
      const end = trie.longestAt(start === from ? Root.beginning : Root.continuation, text, start, to);
      if (end < 0) {
        if (ids !== null) ids.length = before!;
        return unknownWord(ids);
      }
      ids?.push(trie.id);
      start = end;
    }
    return count;
  }

  function unknownWord(ids: number[] | null): number {
    ids?.push(unknown);
    return 1;
  }

  /** Number of pieces of a text without special tokens; adds their ids to `ids`. */
  function splitText(text: string, ids: number[] | null): number {
    let count = 0;
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
        for (const word of unicodeWords(text.slice(start >= 0 ? start : i, end)))
          count += splitWord(word, 0, word.length, ids);
        start = -1;
        i = end - 1;
        continue;
      }
      if (start >= 0) count += splitWord(text, start, i, ids);
      start = -1;
      if (kind === Kind.punctuation) count += ids === null ? 1 : splitWord(text, i, i + 1, ids);
    }
    return count;
  }

  /** The same for a text in which special tokens may stand. */
  function splitAll(text: string, ids: number[] | null): number {
    if (!text.includes('[')) return splitText(text, ids);
    let count = 0;
    let last = 0;
    for (const match of text.matchAll(special)) {
      count += splitText(text.slice(last, match.index), ids) + 1;
      ids?.push(lines.indexOf(match[0]));
      last = match.index + match[0].length;
    }
    return count + splitText(last > 0 ? text.slice(last) : text, ids);
  }

  return {
    ids(text) {
      const ids: number[] = [];
      splitAll(text, ids);
      return ids;
    },
    count: (text) => splitAll(text, null),
  };
}

const isRare = (code: number): boolean =>
  code > 127 || asciiKind[code] === Kind.word || asciiKind[code] === Kind.dropped;
