import { scopeSeparator } from '../chunk/types.ts';
import type { LineRange } from '../model.ts';
import { holdsLine } from './lineRanges.ts';
import { definitionsAround } from './rangeFacts.ts';
import type { PackedFile, PackedRange, PackFile, RangeKind } from './types.ts';

export interface ShownFile {
  file: PackFile;
  /** In any order; may touch, never overlap. */
  parts: { range: LineRange; kind: RangeKind }[];
  /** Ranges that were ranked. */
  bodies: number;
  /** What it was arranged as when it had so many parts; null: nothing but empty lines. */
  arranged?: { parts: number; packed: PackedFile | null };
}

/** So few lines between two ranges cost no more than to say that they are left out. */
const mostGapLines = 2;
const mostGapCharacters = 40;

const strength: Record<RangeKind, number> = { body: 2, used: 1, context: 0 };

function closesGap(file: PackFile, before: LineRange, after: LineRange): boolean {
  const lines = after.startLine - before.endLine - 1;
  if (lines <= 0) return true;
  return (
    lines <= mostGapLines && file.slice(before.endLine + 1, after.startLine - 1).trim().length <= mostGapCharacters
  );
}

/** Neighbours as one range, which is what the strongest of them is. */
function joined({ file, parts }: ShownFile): { range: LineRange; kind: RangeKind }[] {
  const result: { range: LineRange; kind: RangeKind }[] = [];
  for (const { range, kind } of [...parts].sort((a, b) => a.range.startLine - b.range.startLine)) {
    const last = result.at(-1);
    if (last === undefined || !closesGap(file, last.range, range)) {
      result.push({ range: { ...range }, kind });
      continue;
    }
    last.range.endLine = Math.max(last.range.endLine, range.endLine);
    if (strength[kind] > strength[last.kind]) last.kind = kind;
  }
  return result.flatMap(({ range, kind }) => {
    const trimmed = withoutBlankEnds(file, range);
    return trimmed === undefined ? [] : [{ range: trimmed, kind }];
  });
}

/** Without empty lines at its ends; undefined if there is nothing else. */
function withoutBlankEnds(file: PackFile, { startLine, endLine }: LineRange): LineRange | undefined {
  const isBlank = (line: number): boolean => file.slice(line, line).trim() === '';
  let [first, last] = [startLine, endLine];
  while (first <= last && isBlank(first)) first++;
  while (last > first && isBlank(last)) last--;
  return first > last ? undefined : { startLine: first, endLine: last };
}

function arrange(shown: ShownFile): PackedFile | null {
  const { file } = shown;
  const ranges = joined(shown);
  const lines = ranges.map(({ range }) => range);
  if (lines.length === 0) return null;
  return {
    path: file.path,
    language: file.language,
    ranges: ranges.map(({ range, kind }): PackedRange => {
      const around =
        kind === 'context' ? [] : definitionsAround(file, range).filter(({ line }) => !holdsLine(lines, line));
      const scope = around.map(({ name }) => name).join(scopeSeparator);
      return { ...range, file, kind, scope, content: file.slice(range.startLine, range.endLine) };
    }),
  };
}

/** Files in the order in which they were opened, each with its ranges by line; the same object while nothing is added. */
export function arrangeFiles(shown: readonly ShownFile[]): PackedFile[] {
  return shown.flatMap((each) => {
    if (each.arranged?.parts !== each.parts.length) each.arranged = { parts: each.parts.length, packed: arrange(each) };
    const { packed } = each.arranged;
    return packed === null ? [] : [packed];
  });
}
