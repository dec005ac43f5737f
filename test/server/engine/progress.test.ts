import assert from 'node:assert/strict';
import { createProgressMeter } from '../../../server/engine/progress.ts';

const files = (filesDone: number, filesTotal: number) => ({ filesDone, filesTotal, chunks: 0, slowFile: null });

describe('createProgressMeter', () => {
  it('gives the rate of the last seconds and what is left at that rate', () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    meter.measure({ phase: 'indexing', ...files(0, 1000) });
    now = 1000;
    const after = meter.measure({ phase: 'indexing', ...files(100, 1000) });
    assert.equal(after.filesPerSecond, 100);
    assert.equal(after.etaSeconds, 9);
  });

  it('forgets a slow start', () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    meter.measure({ phase: 'indexing', ...files(0, 1000) });
    for (const [at, done] of [
      [5000, 10],
      [6000, 210],
      [7000, 410],
      [8500, 710],
    ] as const) {
      now = at;
      meter.measure({ phase: 'indexing', ...files(done, 1000) });
    }
    now = 9000;
    assert.equal(meter.measure({ phase: 'indexing', ...files(810, 1000) }).filesPerSecond, 200);
  });

  it('promises no time while files are still being found', () => {
    let now = 0;
    const meter = createProgressMeter(() => now);
    meter.measure({ phase: 'discovering', ...files(0, 10) });
    now = 500;
    assert.equal(meter.measure({ phase: 'discovering', ...files(5, 10) }).etaSeconds, null);
  });
});
