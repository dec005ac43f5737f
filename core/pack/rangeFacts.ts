import type { LineRange } from '../model.ts';
import { enclosing, headerOf, importsUsed } from './contextLines.ts';
import { nameLine, signatureLine } from './signatures.ts';
import { readTellingLines, type TellingLines } from './tellingLines.ts';
import type { TokenCounting } from './packFull.ts';
import type { PackFile, SignatureLine } from './types.ts';

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
  around?: LinesAround;
  signature?: SignatureLine;
  name?: SignatureLine;
  telling?: TellingLines;
  /** Of its text, as `countedBy` counts. */
  tokens?: number;
  countedBy?: TokenCounting;
}

/** Ranges begin and end below it. */
const mostLines = 2 ** 26;

/** Hosts keep files from one question to the next, and most questions show ranges that others showed before. */
const known = new WeakMap<PackFile, Map<number, RangeFacts>>();

function factsOf(file: PackFile, { startLine, endLine }: LineRange): RangeFacts {
  let ofFile = known.get(file);
  if (ofFile === undefined) known.set(file, (ofFile = new Map<number, RangeFacts>()));
  const key = startLine * mostLines + endLine;
  let facts = ofFile.get(key);
  if (facts === undefined) ofFile.set(key, (facts = {}));
  return facts;
}

export function linesAround(file: PackFile, range: LineRange): LinesAround {
  return (factsOf(file, range).around ??= {
    headers: enclosing(file, range)
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

/** Tokens of each range. To look up a text among all that were counted, it would have to be read as a whole. */
export async function tokensOf(counter: TokenCounting, ranges: readonly RangeText[]): Promise<number[]> {
  const facts = ranges.map((range) => factsOf(range.file, range));
  const due = facts.flatMap(({ countedBy }, i) => (countedBy === counter ? [] : [i]));
  const counts = due.length === 0 ? [] : await counter.count(due.map((i) => ranges[i]!.content));
  for (const [at, i] of due.entries()) Object.assign(facts[i]!, { tokens: counts[at]!, countedBy: counter });
  return facts.map(({ tokens }) => tokens!);
}
