import type { LineTokens } from '../chunk/lineTokens.ts';
import { lineStartsOf } from './lineStarts.ts';
import { isWordCode } from './splitIdentifier.ts';
import { hashOf, hashStart, hashStep, WordTable } from './wordTable.ts';

/** The words of one text and the tokens of its lines. Valid until the next text is scanned. */
export interface ScannedText {
  /** As `lineStartsOf` gives them. */
  lineStarts: Uint32Array;
  tokens: LineTokens;
  wordCount: number;
  /** Of each word its number in the scanner's table, in order. */
  words: Int32Array;
  /** Where each word begins. */
  offsets: Uint32Array;
}

export interface TextScanner {
  scan(text: string): ScannedText;
  /** Grows with every text; emptied when it is large, which `epoch` tells. */
  readonly table: WordTable;
  readonly epoch: number;
}

/** Longer words are looked up by so much of them; those of ASCII have no terms (see `termsOfWord`) and are left out. */
const maxWord = 256;
const defaultMostWords = 150_000;

/** What a unit of a text is: part of a word, nothing, a token of its own, or something that needs the thorough way. */
const Kind = { word: 0, space: 1, punctuation: 2, other: 3 } as const;

const asciiKind = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  if (isWordCode(code)) asciiKind[code] = Kind.word;
  else if (code === 32 || code === 9 || code === 10 || code === 13) asciiKind[code] = Kind.space;
  else asciiKind[code] = code < 32 || code === 127 ? Kind.other : Kind.punctuation;
}

/** After the bracket that begins a token which the model takes whole: `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`. */
const specialToken = new Set(Array.from('PUCSM', (letter) => letter.charCodeAt(0)));
const openBracket = 91;

/**
 * Reads each text once for both its terms and its model tokens: a word is counted by the tokenizer when it is first
 * met, a line of ASCII is then the sum of its words and its punctuation. `count` must be such that counts of words add
 * up, as those of WordPiece do; lines with other characters are counted whole.
 */
export function createTextScanner(count: (text: string) => number, mostWords = defaultMostWords): TextScanner {
  const table = new WordTable();
  let epoch = 0;
  /** By id of a word: its tokens + 1; 0 where they were not counted yet. */
  let tokensOfWord = new Uint16Array(1 << 12);
  let words = new Int32Array(1 << 12);
  let offsets = new Uint32Array(1 << 12);
  let wordCount = 0;

  function tokensOf(id: number, text: string, start: number, end: number): number {
    if (id >= tokensOfWord.length) {
      const wider = new Uint16Array(Math.max(tokensOfWord.length * 2, id + 1));
      wider.set(tokensOfWord);
      tokensOfWord = wider;
    }
    const known = tokensOfWord[id]!;
    if (known !== 0) return known - 1;
    const counted = count(text.slice(start, end));
    tokensOfWord[id] = counted + 1;
    return counted;
  }

  function push(id: number, offset: number): void {
    if (wordCount === words.length) {
      const widerWords = new Int32Array(wordCount * 2);
      const widerOffsets = new Uint32Array(wordCount * 2);
      widerWords.set(words);
      widerOffsets.set(offsets);
      [words, offsets] = [widerWords, widerOffsets];
    }
    words[wordCount] = id;
    offsets[wordCount++] = offset;
  }

  /** Takes up a word; returns its tokens if they are asked for. */
  function addWord(text: string, start: number, end: number, hash: number, isCounted: boolean): number {
    if (end - start <= maxWord) {
      const id = table.idOf(text, start, end, hash);
      push(id, start);
      return isCounted ? tokensOf(id, text, start, end) : 0;
    }
    if (!isAscii(text, start, end)) {
      const cut = start + maxWord;
      push(table.idOf(text, start, cut, hashOf(text, start, cut)), start);
    }
    return isCounted ? count(text.slice(start, end)) : 0;
  }

  /** Takes up the words of a line; returns its tokens, -1 where the line has to be counted whole. */
  function scanLine(text: string, from: number, to: number): number {
    let tokens = 0;
    let isPlain = true;
    let start = -1;
    let hash = hashStart;
    for (let i = from; i < to; i++) {
      const code = text.charCodeAt(i);
      const kind = code < 128 ? asciiKind[code]! : isWordCode(code) ? Kind.word : Kind.other;
      if (kind === Kind.word) {
        if (start < 0) {
          start = i;
          hash = hashStart;
        }
        hash = hashStep(hash, code);
        if (code > 127) isPlain = false;
        continue;
      }
      if (start >= 0) tokens += addWord(text, start, i, hash, isPlain);
      start = -1;
      if (kind === Kind.punctuation) tokens++;
      else if (kind === Kind.other) isPlain = false;
      if (code === openBracket && specialToken.has(text.charCodeAt(i + 1))) isPlain = false;
    }
    if (start >= 0) tokens += addWord(text, start, to, hash, isPlain);
    return isPlain ? tokens : -1;
  }

  function forgetWhenLarge(): void {
    if (table.size <= mostWords) return;
    table.clear();
    tokensOfWord.fill(0);
    epoch++;
  }

  return {
    table,
    get epoch() {
      return epoch;
    },
    scan(text) {
      forgetWhenLarge();
      wordCount = 0;
      const lineStarts = lineStartsOf(text);
      const lineCount = lineStarts.length - 1;
      const sums = new Uint32Array(lineCount + 1);
      const blank = new Uint8Array(lineCount + 1);
      for (let line = 1; line <= lineCount; line++) {
        const [from, to] = [lineStarts[line - 1]!, lineStarts[line]!];
        let tokens = scanLine(text, from, to);
        if (tokens < 0) {
          const content = text.slice(from, to);
          blank[line] = content.trim() === '' ? 1 : 0;
          tokens = blank[line] === 1 ? 0 : count(content);
        } else if (tokens === 0) blank[line] = 1;
        sums[line] = sums[line - 1]! + tokens;
      }
      return {
        lineStarts,
        tokens: {
          lineCount,
          sum: (start, end) => sums[end]! - sums[start - 1]!,
          isBlank: (line) => blank[line] === 1,
        },
        wordCount,
        words,
        offsets,
      };
    },
  };
}

function isAscii(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}
