import type { RankedChunk } from './types.ts';

/** How many ranked ranges are looked at. */
export const candidateCount = (budget: number): number => Math.min(1_000, 40 + Math.ceil(budget / 60));

/** Ranges are read until they would fill the budget so many times; there are at least so many. */
const readFactor = 2.5;
const leastRead = 30;

/** The best ranges, more than the budget can hold. Their model tokens say well enough how long they are. */
export function worthReading(ranked: readonly RankedChunk[], budget: number): RankedChunk[] {
  let tokens = 0;
  const enough = ranked.findIndex((range, i) => {
    tokens += range.tokens;
    return i + 1 >= leastRead && tokens > readFactor * budget;
  });
  return enough < 0 ? [...ranked] : ranked.slice(0, enough + 1);
}
