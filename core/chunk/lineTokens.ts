/** Token counts of lines with sums over ranges in O(1). Lines are 1-based. */
export interface LineTokens {
  readonly lineCount: number;
  /** Tokens of lines `start`..`end`. */
  sum(start: number, end: number): number;
  isBlank(line: number): boolean;
}

/** Counts each line of a text once. `count` is a tokenizer whose counts of lines add up. */
export function countLines(text: string, lineStarts: Uint32Array, count: (line: string) => number): LineTokens {
  const lineCount = lineStarts.length - 1;
  const sums = new Uint32Array(lineCount + 1);
  const blank = new Uint8Array(lineCount + 1);
  for (let line = 1; line <= lineCount; line++) {
    const content = text.slice(lineStarts[line - 1], lineStarts[line]);
    const isBlank = content.trim() === '';
    blank[line] = isBlank ? 1 : 0;
    sums[line] = sums[line - 1]! + (isBlank ? 0 : count(content));
  }
  return {
    lineCount,
    sum: (start, end) => sums[end]! - sums[start - 1]!,
    isBlank: (line) => blank[line] === 1,
  };
}
