import assert from 'node:assert/strict';
import { chooseMap, toMapFile, type MapCosts, type MapFile } from '../../../core/pack/packMap.ts';
import type { MapPack } from '../../../core/pack/types.ts';
import { packFile } from './packFile.ts';

const costs: MapCosts = { file: () => 10, line: (file, i) => file.symbols[i]!.signature.length, gap: 1 };

/** Definitions as `name kind first-last rank`. */
function mapOf(path: string, lineCount: number, ...definitions: string[]): MapFile {
  const symbols = definitions.map((each) => each.slice(0, each.lastIndexOf(' ')));
  const ranks = definitions.map((each) => Number(each.slice(each.lastIndexOf(' ') + 1)));
  const text = Array.from({ length: lineCount }, (_, i) => `line ${String(i + 1).padStart(4, '0')}`).join('\n');
  return toMapFile(packFile(path, text, { symbols }), (_, i) => ranks[i]!);
}

const shown = ({ files }: MapPack): string[] =>
  files.map(({ path, entries, more }) => {
    const lines = entries.map(({ line, depth, gap }) => `${gap ? '… ' : ''}${'>'.repeat(depth)}${line}`);
    return [path, ...lines, ...(more ? ['…'] : [])].join(' ');
  });

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe('chooseMap', () => {
  it('orders files by their best definition, and shows the types around members', () => {
    const members = ['Box class 1-30 0', 'Box.open method 5-9 9', 'Box.shut method 10-12 0', 'last function 40-40 3'];
    const files = [mapOf('low.ts', 9, 'low function 1-3 1'), mapOf('high.ts', 40, ...members)];
    assert.deepEqual(shown(chooseMap(files, costs, 1_000, 5).pack), ['high.ts 1 >5 … 40', 'low.ts 1']);
  });

  it('leaves out what it is told to, and tells what it chose last', () => {
    const file = mapOf('a.ts', 3, 'a function 1-1 3', 'b function 2-2 2', 'c function 3-3 1');
    const { last } = chooseMap([file], costs, 1_000, 3);
    assert.equal(last, file.symbols[2]);
    const { pack } = chooseMap([file], costs, 1_000, 3, new Set([file.symbols[1]!]));
    assert.deepEqual(
      pack.files[0]!.entries.map(({ line }) => line),
      [1, 3],
    );
  });

  it('says that definitions before, between and after were left out', () => {
    const ranks = [0, 5, 0, 4, 0];
    const file = mapOf('a.ts', 9, ...ranks.map((rank, i) => `d${i} function ${i + 1}-${i + 1} ${rank}`));
    assert.deepEqual(shown(chooseMap([file], costs, 1_000, 5).pack), ['a.ts 2 … 4 …']);
  });

  it('never spends more than the budget, and passes over what is too large for what fits', () => {
    const files = times(30, (i) =>
      mapOf(`f${i}.ts`, 99, ...times(20, (j) => `d${j} function ${j + 1}-${j + 1} ${1 + ((i * 7 + j * 13) % 17)}`)),
    );
    for (const budget of [9, 25, 100, 500, 2_000]) {
      const { pack } = chooseMap(files, costs, budget, 600);
      let spent = 0;
      for (const { entries, more } of pack.files) {
        spent += 10 + (more ? 1 : 0);
        for (const { signature, gap } of entries) spent += signature.length + (gap ? 1 : 0);
      }
      assert.ok(spent <= budget, `${spent} of ${budget}`);
      if (budget >= 100) assert.ok(spent > budget - 20, `only ${spent} of ${budget}`);
      const count = pack.files.reduce((sum, { entries }) => sum + entries.length, 0);
      assert.equal(pack.leftOut, 600 - count);
    }
  });

  it('does not let a file of many small definitions crowd out the others', () => {
    const crowd = mapOf('crowd.ts', 5_000, ...times(5_000, (i) => `d${i} function ${i + 1}-${i + 1} 1`));
    const others = times(10, (i) => mapOf(`o${i}.ts`, 9, 'only function 1-3 0.9'));
    assert.equal(chooseMap([crowd, ...others], costs, 600, 5_010).pack.files.length, 11);
  });

  it('is empty without definitions', () => {
    assert.deepEqual(chooseMap([], costs, 500, 0).pack, { mode: 'map', files: [], leftOut: 0 });
  });
});
