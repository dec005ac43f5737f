import { skipReasonNames } from '../../core/model.ts';
import type { SkippedFile } from '../../server/engine/index.ts';
import { counted, printable } from './terminal.ts';

function byReason(skipped: readonly SkippedFile[]): [string, SkippedFile[]][] {
  const groups = new Map<string, SkippedFile[]>();
  for (const each of skipped) {
    const name = skipReasonNames[each.reason];
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
}

/** e.g. `12 binary, 3 ignored` */
export function skippedSummary(skipped: readonly SkippedFile[]): string {
  return byReason(skipped)
    .map(([name, files]) => `${files.length} ${name}`)
    .join(', ');
}

/** Groups with their paths; long groups are cut to `most` unless told otherwise. */
export function skippedLines(skipped: readonly SkippedFile[], most: number): string[] {
  return byReason(skipped).flatMap(([name, files]) => [
    `  ${name} (${files.length})`,
    ...files.slice(0, most).map(({ path, detail }) => `    ${printable(path)}  ${printable(detail)}`),
    ...(files.length > most ? [`    … and ${counted(files.length - most, 'more', 'more')} (--all lists them)`] : []),
  ]);
}
