import { gitText } from './gitProgram.ts';

/** Lines that a commit changed in a file, 1-based and inclusive, counted in the state before it. */
export type ChangedRanges = [start: number, end: number][];

/** The ranges of one file of a commit; `paths` are its names before and after. */
export async function readChangedRanges(
  folder: string,
  { parent, id, paths }: { parent: string; id: string; paths: readonly string[] },
  signal?: AbortSignal,
): Promise<ChangedRanges> {
  const patch = await gitText(
    folder,
    ['diff-tree', '-r', '-p', '-U0', '-M', '--relative', '--no-ext-diff', '--no-textconv', parent, id, '--', ...paths],
    { signal },
  );
  return rangesOfPatch(patch);
}

/** An insertion stands for the two lines that it parts. */
export function rangesOfPatch(patch: string): ChangedRanges {
  const ranges: ChangedRanges = [];
  const lines = patch.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(lines[at]!);
    if (hunk === null) continue;
    const start = Number(hunk[1]);
    const removed = Number(hunk[2] ?? 1);
    // The lines of a hunk are passed over: they may look like the head of one.
    at += removed + Number(hunk[3] ?? 1);
    ranges.push(removed > 0 ? [start, start + removed - 1] : [Math.max(1, start), Math.max(1, start + 1)]);
  }
  return ranges;
}
