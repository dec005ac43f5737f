import assert from 'node:assert/strict';
import { pageRank, type WeightedEdges } from '../../../core/graph/pageRank.ts';

interface Edge {
  from: number;
  to: number;
  weight: number;
}

/** `0>1 0>2*3`: from node 0 to 1, and to 2 with a weight of 3. */
function read(text: string): Edge[] {
  const edges = text === '' ? [] : text.split(' ');
  return edges.map((edge) => {
    const [from, to, weight] = edge.split(/[>*]/).map(Number);
    return { from: from!, to: to!, weight: weight ?? 1 };
  });
}

function flat(nodes: number, edges: readonly Edge[]): WeightedEdges {
  const sorted = [...edges].sort((a, b) => a.from - b.from);
  const firstEdge = new Uint32Array(nodes + 1);
  for (const { from } of sorted) firstEdge[from + 1]!++;
  for (let node = 0; node < nodes; node++) firstEdge[node + 1]! += firstEdge[node]!;
  return {
    firstEdge,
    target: Uint32Array.from(sorted, ({ to }) => to),
    weight: Float32Array.from(sorted, ({ weight }) => weight),
  };
}

function rank(text: string, start: readonly number[], backward = 0): number[] {
  const edges = read(text);
  const turned = edges.map(({ from, to, weight }) => ({ from: to, to: from, weight }));
  const options = { backward, tolerance: 1e-12, mostRounds: 500 };
  return [...pageRank(flat(start.length, edges), flat(start.length, turned), Float64Array.from(start), options)];
}

function near(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-6, `${actual.join(' ')} is not ${expected.join(' ')}`);
}

describe('pageRank', () => {
  it('gives the ranks of a known graph, with walks from everywhere and damping .85', () => {
    // The solution of the four linear equations.
    near(rank('0>1 0>2 1>2 2>0 3>2', [0, 0, 0, 0]), [0.3725269, 0.1958239, 0.3941492, 0.0375]);
  });

  it('adds up to 1, also where walks end', () => {
    const ranks = rank('0>1 1>2', [1, 0, 0]);
    near([ranks.reduce((sum, each) => sum + each, 0)], [1]);
    assert.ok(ranks[0]! > ranks[1]! && ranks[1]! > ranks[2]!);
  });

  it('follows the weights', () => {
    const ranks = rank('0>1*3 0>2', [1, 0, 0]);
    near([ranks[1]! / ranks[2]!], [3]);
  });

  it('reaches only what the start leads to, and those who use it when it goes backward', () => {
    near(rank('0>1 2>1 3>2', [1, 0, 0, 0]).slice(2), [0, 0]);
    assert.ok(rank('0>1 2>1 3>2', [1, 0, 0, 0], 0.3).every((each) => each > 0));
  });

  it('has nothing to say of nothing', () => assert.deepEqual(rank('', []), []));
});
