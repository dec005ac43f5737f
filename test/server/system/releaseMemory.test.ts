import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { collectGarbage } from '../../../server/system/collectGarbage.ts';
import { releaseMemory } from '../../../server/system/releaseMemory.ts';

describe('Memory', () => {
  const size = 64 * 2 ** 20;
  const held = (): number => process.memoryUsage().arrayBuffers;

  it('of a buffer is given back at once', () => {
    const before = held();
    const bytes = new Uint8Array(size).fill(1);
    assert.ok(held() - before >= size);
    releaseMemory(bytes.buffer);
    assert.equal(bytes.length, 0);
    assert.ok(held() - before < size / 2);
  });

  it('of what nobody has any more is given back when it is asked for', async () => {
    const before = held();
    const lengths = Array.from({ length: 4 }, () => new Uint8Array(size / 4).fill(1).length);
    assert.equal(lengths.length, 4);
    // Another thread frees what was found to be garbage, and the next collection counts it.
    for (let tries = 0; tries < 20 && held() - before >= size / 2; tries++) {
      collectGarbage();
      await wait(20);
    }
    assert.ok(held() - before < size / 2);
  });
});
