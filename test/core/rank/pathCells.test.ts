import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isNameCell, PathCells, stemOfCell, type PathCell } from '../../../core/rank/pathCells.ts';

const pathArbitrary = fc.array(fc.record({ stem: fc.nat(50_000), isInName: fc.boolean() }, { noNullPrototype: true }), {
  maxLength: 12,
});

describe('Stems of paths by place', () => {
  it('are what was put there last, whatever was put and removed', () => {
    const steps = fc.array(fc.record({ place: fc.nat(40), path: fc.option(pathArbitrary) }), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (all) => {
        const cells = new PathCells();
        const expected = new Map<number, readonly PathCell[]>();
        for (const { place, path } of all) {
          if (expected.delete(place)) cells.remove(place);
          if (path === null) continue;
          cells.put(place, path);
          expected.set(place, path);
        }
        for (const [place, path] of expected) {
          assert.deepEqual(
            cells.stemsOf(place),
            path.map(({ stem }) => stem),
          );
          const start = cells.starts[place]!;
          const found = Array.from(cells.cells.subarray(start, start + cells.counts[place]!), (cell) => ({
            stem: stemOfCell(cell),
            isInName: isNameCell(cell),
          }));
          assert.deepEqual(found, path);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('take no more room than twice what is there, however often files change', () => {
    const cells = new PathCells();
    const path = Array.from({ length: 10 }, (_, stem) => ({ stem, isInName: stem % 2 === 0 }));
    for (let place = 0; place < 500; place++) cells.put(place, path);
    const before = cells.cells.length;
    for (let i = 0; i < 20_000; i++) {
      cells.remove(i % 500);
      cells.put(i % 500, path);
    }
    assert.ok(cells.cells.length <= 2.6 * before, `${cells.cells.length} cells instead of ${before}`);
  });
});
