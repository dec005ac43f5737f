import assert from 'node:assert/strict';
import type { FileUse } from '../../../core/graph/fileUses.ts';
import { FileLinks } from '../../../core/rank/fileLinks.ts';

let seed = 3;
const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;

const files = Array.from({ length: 12 }, (_, i) => `src/f${i}.ts`);

/** Worked out from all uses at once. */
function expected(uses: ReadonlyMap<string, readonly FileUse[]>, weightOf: (use: FileUse) => number) {
  const weights = new Map<string, Map<string, number>>(files.map((each) => [each, new Map<string, number>()]));
  for (const [path, list] of uses)
    for (const use of list)
      for (const [a, b] of [
        [path, use.path],
        [use.path, path],
      ] as const)
        weights.get(a)!.set(b, (weights.get(a)!.get(b) ?? 0) + weightOf(use));
  const sumOf = (path: string): number => [...weights.get(path)!.values()].reduce((sum, each) => sum + each, 0);
  return (path: string): [string, string][] =>
    [...weights.get(path)!]
      .filter(([, weight]) => weight > 0)
      .map(([other, weight]): [string, string] => [
        other,
        (weight / Math.sqrt(sumOf(path) * sumOf(other))).toPrecision(10),
      ])
      .sort();
}

const neighbours = (relation: FileLinks['relations']['calls'], path: string): [string, string][] => {
  const { paths, shares } = relation.neighboursOf(path);
  return paths.map((other, i): [string, string] => [other, shares[i]!.toPrecision(10)]).sort();
};

describe('FileLinks', () => {
  it('says after every change what working all out anew would say', () => {
    const links = new FileLinks();
    const uses = new Map<string, readonly FileUse[]>();
    for (let round = 0; round < 120; round++) {
      const path = files[random(files.length)]!;
      const used = files.filter((each) => each !== path && random(3) === 0);
      const list =
        random(6) === 0 ? [] : used.map((each) => ({ path: each, imported: random(2) === 0, calls: random(9) }));
      if (list.length === 0) links.remove(path);
      else links.put(path, [...list].reverse());
      uses.set(path, list);
      const imports = expected(uses, ({ imported }) => (imported ? 1 : 0));
      const calls = expected(uses, (use) => Math.log2(1 + use.calls));
      for (const file of files) {
        assert.deepEqual(neighbours(links.relations.imports, file), imports(file));
        assert.deepEqual(neighbours(links.relations.calls, file), calls(file));
        const importers = [...uses.values()].flat().filter((use) => use.path === file && use.imported).length;
        assert.equal(links.relations.importers.get(file) ?? 0, importers);
      }
    }
  });

  it('gives the same shares, to the last digit, in whatever order files were linked', () => {
    const uses = files.map((path, i) => ({
      path,
      uses: files.filter((_, j) => j !== i).map((each) => ({ path: each, imported: false, calls: 1 + random(1_000) })),
    }));
    const shares = (order: readonly (typeof uses)[number][]): number[] => {
      const links = new FileLinks();
      for (const { path, uses: list } of order) links.put(path, list);
      const { paths, shares: each } = links.relations.calls.neighboursOf(files[0]!);
      const found = new Map(paths.map((path, i) => [path, each[i]!]));
      return files.slice(1).map((path) => found.get(path)!);
    };
    assert.deepEqual(shares([...uses].reverse()), shares(uses));
  });
});
