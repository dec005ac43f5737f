/** Token counts of lines with sums over ranges in O(1). Lines are 1-based. */
export interface LineTokens {
  readonly lineCount: number;
  /** Tokens of lines `start`..`end`. */
  sum(start: number, end: number): number;
  isBlank(line: number): boolean;
}
