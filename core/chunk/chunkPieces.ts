import type { Chunk } from '../model.ts';
import type { LineTokens } from './lineTokens.ts';
import { chunkTokens, scopeSeparator, type Definition } from './types.ts';

export interface PieceInput {
  tokens: LineTokens;
  /** First lines of the pieces in order; line 1 is always one. */
  cuts: readonly number[];
  definitions: readonly Definition[];
  /** Model tokens of a scope line for the given scope. */
  scopeLineTokens: (scope: string) => number;
}

interface Range {
  start: number;
  end: number;
}

/** Definitions sorted so that outer ones come first. */
function sorted(definitions: readonly Definition[]): Definition[] {
  return [...definitions].sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}

/** Names of the definitions that hold the whole range, and of the one it consists of. */
function scopeOf({ start, end }: Range, tokens: LineTokens, definitions: readonly Definition[]): string {
  let last = end;
  while (last > start && tokens.isBlank(last)) last--;
  const around = definitions.filter(
    (each) => each.startLine < each.endLine && each.startLine <= start && each.endLine >= last,
  );
  const within = definitions.filter(
    (each) => each.startLine >= start && each.endLine <= last && !around.includes(each),
  );
  const outermost = within.filter(
    (each) =>
      !within.some(
        (other) =>
          other !== each &&
          other.startLine <= each.startLine &&
          other.endLine >= each.endLine &&
          other.endLine - other.startLine > each.endLine - each.startLine,
      ),
  );
  const only = outermost.length === 1 ? outermost[0]! : undefined;
  const fills = only !== undefined && tokens.sum(only.startLine, only.endLine) * 2 >= tokens.sum(start, last);
  return [...around, ...(fills ? [only] : [])].map(({ name }) => name).join(scopeSeparator);
}

/** The innermost definition around the beginning of a range that does not begin in it. */
function containerOf({ start }: Range, definitions: readonly Definition[]): Definition | undefined {
  return definitions.findLast((each) => each.startLine < start && each.endLine >= start);
}

const beginsDefinition = ({ start, end }: Range, definitions: readonly Definition[]): boolean =>
  definitions.some((each) => each.startLine >= start && each.startLine <= end && each.endLine > each.startLine);

/** Cuts a run of lines into parts of at most `most` tokens, at blank lines where there are some in the later half. */
function splitLines({ start, end }: Range, tokens: LineTokens, most: number): Range[] {
  const parts: Range[] = [];
  let from = start;
  while (from <= end) {
    let to = from;
    while (to < end && tokens.sum(from, to + 1) <= most) to++;
    if (to < end) to = blankBefore(from, to, tokens, most) ?? to;
    while (to < end && tokens.isBlank(to + 1)) to++;
    parts.push({ start: from, end: to });
    from = to + 1;
  }
  return parts;
}

function blankBefore(from: number, to: number, tokens: LineTokens, most: number): number | undefined {
  for (let line = to; line > from && tokens.sum(from, line) * 2 > most; line--) if (tokens.isBlank(line)) return line;
  return undefined;
}

/**
 * Merges small neighbours and cuts what is too large. Every line ends up in exactly one chunk, and no chunk of more
 * than one line exceeds the model's cap with its scope line.
 */
export function chunkPieces({ tokens, cuts, definitions: unsorted, scopeLineTokens }: PieceInput): Chunk[] {
  const definitions = sorted(unsorted);
  const cap = chunkTokens.cap - chunkTokens.special - chunkTokens.scopeLine;
  const size = ({ start, end }: Range): number => tokens.sum(start, end);
  const pieces = cuts
    .map((start, i): Range => ({ start, end: (cuts[i + 1] ?? tokens.lineCount + 1) - 1 }))
    .flatMap((piece) => (size(piece) > cap ? splitLines(piece, tokens, chunkTokens.target) : [piece]));

  const mayJoin = (group: Range, next: Range): boolean => {
    const together = size(group) + size(next);
    if (together > chunkTokens.target) return false;
    if (Math.min(size(group), size(next)) < chunkTokens.crumb) return true;
    if (
      size(group) >= chunkTokens.standAlone &&
      size(next) >= chunkTokens.standAlone &&
      beginsDefinition(next, definitions)
    )
      return false;
    const container = containerOf(group, definitions);
    const nextContainer = containerOf(next, definitions);
    return (
      container === nextContainer ||
      (nextContainer !== undefined && nextContainer.startLine >= group.start && nextContainer.startLine <= group.end)
    );
  };

  const groups: Range[] = [];
  for (const piece of pieces) {
    const group = groups.at(-1);
    if (group !== undefined && mayJoin(group, piece)) group.end = piece.end;
    else groups.push({ ...piece });
  }
  return groups.map((range) => {
    const used = size(range);
    const scope = fittingScope(scopeOf(range, tokens, definitions), scopeLineTokens);
    return {
      startLine: range.start,
      endLine: range.end,
      tokens: used,
      scope,
      truncated: used + chunkTokens.special + Math.min(chunkTokens.scopeLine, scopeLineTokens(scope)) > chunkTokens.cap,
    };
  });
}

/** Outer names go first when a scope line is too long. */
function fittingScope(scope: string, scopeLineTokens: (scope: string) => number): string {
  const names = scope.split(scopeSeparator);
  while (names.length > 0 && scopeLineTokens(names.join(scopeSeparator)) > chunkTokens.scopeLine) names.shift();
  return names.join(scopeSeparator);
}
