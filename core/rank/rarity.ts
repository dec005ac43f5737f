/** Inverse document frequency as in BM25 (Robertson, Spärck Jones), kept above zero. */
export function rarity(documents: number, holding: number): number {
  return Math.log(1 + (documents - holding + 0.5) / (holding + 0.5));
}
