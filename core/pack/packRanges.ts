import type { PackCandidate, PackDocument, PackedFile, PackedRange } from './types.ts';

/** Tokens that the heading of a file or range costs at the most, next to those of its path; checked by the final count. */
const headingTokens = 16;

export interface PackChoice {
  /** In rank order. The last one may be a part of its candidate (its first lines). */
  chosen: PackCandidate[];
  leftOut: number;
}

export interface ChooseOptions {
  budget: number;
  limit: number;
}

const headingCost = (candidate: PackCandidate): number => headingTokens + Math.ceil(candidate.path.length / 2);

/** The first lines of a candidate that fit into so many tokens, taken in proportion; undefined if not one line fits. */
export function shortened(candidate: PackCandidate, tokens: number): PackCandidate | undefined {
  const lines = candidate.content.split('\n');
  const keep = Math.floor((lines.length * tokens) / Math.max(1, candidate.tokens));
  if (keep < 1) return undefined;
  return {
    ...candidate,
    endLine: candidate.startLine + keep - 1,
    content: lines.slice(0, keep).join('\n'),
    tokens: Math.ceil((candidate.tokens * keep) / lines.length),
  };
}

/**
 * Takes candidates in rank order as long as they fit; one that does not fit is passed over for later, smaller ones.
 * The very first is cut to the budget rather than passed over, so that a pack is never empty for want of room.
 */
export function chooseRanges(candidates: readonly PackCandidate[], { budget, limit }: ChooseOptions): PackChoice {
  const chosen: PackCandidate[] = [];
  let left = budget;
  let leftOut = 0;
  for (const candidate of candidates) {
    const cost = candidate.tokens + headingCost(candidate);
    if (chosen.length < limit && cost <= left) {
      chosen.push(candidate);
      left -= cost;
      continue;
    }
    const part = chosen.length === 0 && limit > 0 ? shortened(candidate, left - headingCost(candidate)) : undefined;
    if (part === undefined) leftOut++;
    else {
      chosen.push(part);
      left = 0;
    }
  }
  return { chosen, leftOut };
}

/** Neighbouring or overlapping ranges of one file as one; the scope stays where both say the same. */
function merged(ranges: readonly PackedRange[]): PackedRange[] {
  const sorted = [...ranges].sort((a, b) => a.startLine - b.startLine);
  const result: PackedRange[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last === undefined || range.startLine > last.endLine + 1) {
      result.push({ ...range });
      continue;
    }
    if (range.endLine <= last.endLine) continue;
    const fresh = range.content.split('\n').slice(last.endLine + 1 - range.startLine);
    last.content = [last.content, ...fresh].join('\n');
    last.endLine = range.endLine;
    if (last.scope !== range.scope) last.scope = commonScope(last.scope, range.scope);
  }
  return result;
}

function commonScope(a: string, b: string): string {
  const left = a.split(' › ');
  const right = b.split(' › ');
  const same = left.findIndex((name, i) => name !== right[i]);
  return (same < 0 ? left : left.slice(0, same)).join(' › ');
}

/** Files in the order of their best range, ranges by line. */
export function arrange({ chosen, leftOut }: PackChoice): PackDocument {
  const files = new Map<string, PackedFile>();
  for (const { path, language, startLine, endLine, scope, content } of chosen) {
    const file = files.get(path) ?? { path, language, ranges: [] };
    file.ranges.push({ startLine, endLine, scope, content });
    files.set(path, file);
  }
  return {
    mode: 'full',
    files: [...files.values()].map((file) => ({ ...file, ranges: merged(file.ranges) })),
    leftOut,
  };
}
