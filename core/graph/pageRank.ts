/** Edges of node `n`: `firstEdge[n]` up to `firstEdge[n + 1]`. */
export interface WeightedEdges {
  /** One more than nodes. */
  readonly firstEdge: Uint32Array;
  readonly target: Uint32Array;
  readonly weight: Float32Array;
}

export interface PageRankOptions {
  /** Share of the rank that follows edges; the rest starts anew. Default .85, as in the first paper. */
  damping?: number;
  /** Share of what follows edges that goes against their direction: who uses something is near to it, too. Default 0. */
  backward?: number;
  /** The sum of all changes at which it ends. Default 1e-4, far below what separates neighbours in rank. */
  tolerance?: number;
  /** Default 40. */
  mostRounds?: number;
}

const sum = (values: Float64Array): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** One step along the edges: each node hands its rank on in proportion to the weights. Returns what found no edge. */
function follow(
  { firstEdge, target, weight }: WeightedEdges,
  totals: Float64Array,
  rank: Float64Array,
  share: number,
  into: Float64Array,
): number {
  let stuck = 0;
  for (let node = 0; node < rank.length; node++) {
    const mass = rank[node]! * share;
    if (mass === 0) continue;
    if (totals[node] === 0) {
      stuck += mass;
      continue;
    }
    const each = mass / totals[node]!;
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) into[target[edge]!]! += each * weight[edge]!;
  }
  return stuck;
}

function totalWeights({ firstEdge, weight }: WeightedEdges): Float64Array {
  const totals = new Float64Array(firstEdge.length - 1);
  for (let node = 0; node < totals.length; node++)
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) totals[node]! += weight[edge]!;
  return totals;
}

/**
 * Personalised PageRank by power iteration (Page, Brin, Motwani and Winograd: The PageRank Citation Ranking, 1998; with
 * a start vector of its own: Haveliwala, Topic-Sensitive PageRank, 2002). `start` says where to begin, at any scale;
 * all zero means everywhere. What reaches a node without edges starts anew. The ranks add up to 1.
 */
export function pageRank(
  edges: WeightedEdges,
  backEdges: WeightedEdges,
  start: Float64Array,
  { damping = 0.85, backward = 0, tolerance = 1e-4, mostRounds = 40 }: PageRankOptions = {},
): Float64Array {
  const nodes = edges.firstEdge.length - 1;
  const total = sum(start);
  const begin = total > 0 ? start.map((value) => value / total) : new Float64Array(nodes).fill(1 / nodes);
  const forwardTotals = totalWeights(edges);
  const backwardTotals = totalWeights(backEdges);
  let rank = begin;
  for (let round = 0; round < mostRounds; round++) {
    const next = new Float64Array(nodes);
    let stuck = follow(edges, forwardTotals, rank, damping * (1 - backward), next);
    if (backward > 0) stuck += follow(backEdges, backwardTotals, rank, damping * backward, next);
    let change = 0;
    for (let node = 0; node < nodes; node++) {
      next[node]! += (1 - damping + stuck) * begin[node]!;
      change += Math.abs(next[node]! - rank[node]!);
    }
    rank = next;
    if (change < tolerance) break;
  }
  return rank;
}
