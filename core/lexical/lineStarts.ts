/**
 * Offsets of the line starts of a text, and its length as the last entry: line `n` (1-based) is
 * `[starts[n - 1], starts[n])`. Lines end with '\n'; a final newline starts no further line. '' has no lines.
 */
export function lineStartsOf(text: string): Uint32Array {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  if (text.length > 0 && !text.endsWith('\n')) lines++;
  const starts = new Uint32Array(lines + 1);
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && line <= lines; at = text.indexOf('\n', at + 1)) starts[line++] = at + 1;
  starts[lines] = text.length;
  return starts;
}

/** Lines `startLine`..`endLine` of a text without the newline that ends the last one. */
export function sliceLines(text: string, starts: Uint32Array, startLine: number, endLine: number): string {
  const end = starts[Math.min(endLine, starts.length - 1)] ?? text.length;
  const slice = text.slice(starts[startLine - 1] ?? text.length, end);
  return slice.endsWith('\n') ? slice.slice(0, -1) : slice;
}
