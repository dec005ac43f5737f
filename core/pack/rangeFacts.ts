import { textOfPiece, type PackPiece } from '../format/pieces.ts';
import type { CodeSymbol, LineRange } from '../model.ts';
import { beginsPiece } from '../tokens/lineCounter.ts';
import type { TokenCounting } from '../tokens/types.ts';
import { enclosing, headerOf, importsUsed } from './contextLines.ts';
import { nameLine, signatureLine } from './signatures.ts';
import { readTellingLines, type TellingLines } from './tellingLines.ts';
import type { PackedRange, PackFile, SignatureLine } from './types.ts';

/** Header lines of so many definitions around a range, the innermost ones. */
const mostHeaders = 3;

/** Lines of a file that a range of it wants to be understood. */
export interface LinesAround {
  /** Of the definitions around it, outermost first. */
  headers: readonly LineRange[];
  /** Import statements that give a name which stands in it. */
  imports: readonly LineRange[];
}

interface RangeFacts {
  enclosing?: readonly CodeSymbol[];
  around?: LinesAround;
  signature?: SignatureLine;
  name?: SignatureLine;
  telling?: TellingLines;
  counts?: TokenCounts;
}

/** Tokens of the text of a range, by itself and with a line break behind it. */
interface TokenCounts {
  by: TokenCounting;
  tokens?: number;
  withBreak?: number;
}

/** Ranges begin and end below it. */
const mostLines = 2 ** 26;
/** Most ranges begin below it, and have fewer lines than this: their keys are small whole numbers, which maps find sooner. */
const [usualStart, usualLines] = [2 ** 17, 2 ** 12];

/** A number of its own for each range. */
function keyOf({ startLine, endLine }: LineRange): number {
  const lines = endLine - startLine;
  return startLine < usualStart && lines < usualLines
    ? startLine * usualLines + lines
    : -(startLine * mostLines + endLine);
}

/** Hosts keep files from one question to the next, and most questions show ranges that others showed before. */
const known = new WeakMap<PackFile, Map<number, RangeFacts>>();

function factsOf(file: PackFile, range: LineRange): RangeFacts {
  let ofFile = known.get(file);
  if (ofFile === undefined) known.set(file, (ofFile = new Map<number, RangeFacts>()));
  const key = keyOf(range);
  let facts = ofFile.get(key);
  if (facts === undefined) ofFile.set(key, (facts = {}));
  return facts;
}

/** Definitions that a range lies within, outermost first. */
export function definitionsAround(file: PackFile, range: LineRange): readonly CodeSymbol[] {
  return (factsOf(file, range).enclosing ??= enclosing(file, range));
}

export function linesAround(file: PackFile, range: LineRange): LinesAround {
  return (factsOf(file, range).around ??= {
    headers: definitionsAround(file, range)
      .slice(-mostHeaders)
      .map((symbol) => headerOf(file, symbol)),
    imports: importsUsed(file, range, file.slice(range.startLine, range.endLine)),
  });
}

/** A range as one line: with its signature, or with no more than its name. */
export function listLine(file: PackFile, range: LineRange, level: 'signature' | 'name'): SignatureLine {
  return (factsOf(file, range)[level] ??= (level === 'signature' ? signatureLine : nameLine)(file, range));
}

/** The lines of a range that can tell it from another one. */
export function tellingLines(file: PackFile, range: LineRange): TellingLines {
  return (factsOf(file, range).telling ??= readTellingLines(file.slice(range.startLine, range.endLine)));
}

interface RangeText extends LineRange {
  file: PackFile;
  content: string;
}

/** What is known of the tokens of a range; forgotten when they are counted in another way. */
function countsOf(counter: TokenCounting, file: PackFile, range: LineRange): TokenCounts {
  const facts = factsOf(file, range);
  if (facts.counts?.by !== counter) facts.counts = { by: counter };
  return facts.counts;
}

/** Counts what is due for each. To look up a text among all that were counted, it would have to be read as a whole. */
async function countDue(
  counter: TokenCounting,
  known: readonly TokenCounts[],
  what: 'tokens' | 'withBreak',
  textAt: (i: number) => string,
): Promise<number[]> {
  const due = known.flatMap((counts, i) => (counts[what] === undefined ? [i] : []));
  const counted = due.length === 0 ? [] : await counter.count(due.map(textAt));
  for (const [at, i] of due.entries()) known[i]![what] = counted[at]!;
  return known.map((counts) => counts[what]!);
}

/** Tokens of each range. */
export function tokensOf(counter: TokenCounting, ranges: readonly RangeText[]): Promise<number[]> {
  const known = ranges.map((range) => countsOf(counter, range.file, range));
  return countDue(counter, known, 'tokens', (i) => ranges[i]!.content);
}

/** Tokens of a pack. A range is counted by itself, unless it begins in a way that tokens may reach over to. */
export async function tokensOfPieces(counter: TokenCounting, pieces: readonly PackPiece[]): Promise<number> {
  const texts: string[] = [];
  const ranges: PackedRange[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (typeof piece !== 'string' && beginsPiece(piece.content, 0)) ranges.push(piece);
    else if (typeof piece !== 'string' && typeof pieces[i - 1] === 'string')
      texts.push(`${texts.pop()!}${textOfPiece(piece)}`);
    else texts.push(textOfPiece(piece));
  }
  const known = ranges.map((range) => countsOf(counter, range.file, range));
  const [ofRanges, ofTexts] = await Promise.all([
    countDue(counter, known, 'withBreak', (i) => textOfPiece(ranges[i]!)),
    counter.count(texts),
  ]);
  return [...ofRanges, ...ofTexts].reduce((sum, count) => sum + count, 0);
}
