import type { LineRange } from '../model.ts';
import type {
  HeldRange,
  MapEntry,
  MappedFile,
  PackDocument,
  PackedFile,
  PackedRange,
  SignatureLine,
} from '../pack/types.ts';
import type { PackPiece } from './pieces.ts';

/** Stands for lines or definitions that are left out; one token, where `⋮` has two. */
export const ellipsis = '…';

/** So many held ranges are named; the rest is counted. */
const mostHeld = 12;

export const linesOf = ({ startLine, endLine }: LineRange): string => `${startLine}-${endLine}`;

/** Paths that could be taken for something else, or would break the line they stand in, are written as JSON strings. */
export const quotable = (path: string): string =>
  /[\n\r`"<>&]|:\d+-\d+| \(|^\s|\s$/.test(path) ? JSON.stringify(path) : path;

export const scopeNote = ({ scope }: PackedRange): string => (scope === '' ? '' : ` (${scope.replace(/\s+/g, ' ')})`);

/** `path:1-9 (scope)`, or only the path where several ranges follow, each behind a marker of its own. */
export function headingOf({ path, ranges }: PackedFile): string {
  const [first] = ranges;
  return ranges.length === 1 ? `${quotable(path)}:${linesOf(first!)}${scopeNote(first!)}` : quotable(path);
}

/** A file's ranges, with a marker line before each if there are several. */
export function bodyOf({ ranges }: PackedFile): PackPiece[] {
  if (ranges.length === 1) return [...ranges];
  return ranges.flatMap((range) => [`${ellipsis} ${linesOf(range)}${scopeNote(range)}\n`, range]);
}

export const mapLine = ({ line, depth, signature }: Omit<MapEntry, 'gap'>, width: number): string =>
  `${String(line).padEnd(width)} ${'  '.repeat(depth)}${signature}`;

/** Entries of a map as lines: number, nesting, signature. Numbers are as wide as the widest. */
export function mapLines({ entries, more }: MappedFile): string[] {
  const width = String(entries.at(-1)?.line ?? 0).length;
  const lines = entries.flatMap((entry) => [...(entry.gap ? [ellipsis] : []), mapLine(entry, width)]);
  return more ? [...lines, ellipsis] : lines;
}

export const signatureText = ({ path, line, text }: SignatureLine): string => `${quotable(path)}:${line} ${text}`;

export const usedTitle = 'Used by the code above, as signatures';
export const signaturesTitle = 'Also relevant, as signatures';

/** What a pack does not show, in sentences. */
export function omissions(pack: PackDocument): string[] {
  const sentences: string[] = [];
  if (pack.mode === 'full') {
    if (pack.held.length > 0) sentences.push(`In the conversation already, unchanged: ${named(pack.held)}.`);
    if (pack.renewed.length > 0) sentences.push(`Changed since the conversation got it: ${named(pack.renewed)}.`);
  }
  if (pack.leftOut > 0) sentences.push(leftOutSentence(pack));
  return sentences;
}

function named(ranges: readonly HeldRange[]): string {
  const names = ranges.slice(0, mostHeld).map((range) => `${quotable(range.path)}:${linesOf(range)}`);
  return names.join(', ') + (ranges.length > mostHeld ? ` and ${ranges.length - mostHeld} more` : '');
}

function leftOutSentence(pack: PackDocument): string {
  if (pack.mode === 'map') {
    return `${pack.leftOut} more ${pack.leftOut === 1 ? 'definition' : 'definitions'} did not fit the budget.`;
  }
  const listed = pack.signatures.length > 0 ? `, ${pack.signatures.length} of them named above` : '';
  return `${pack.leftOut} more matching ${pack.leftOut === 1 ? 'range' : 'ranges'} did not fit the budget${listed}.`;
}
