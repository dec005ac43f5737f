import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { freeMemory, readVmStat } from '../../../server/system/freeMemory.ts';

describe('Free memory', () => {
  it('is what the system says, and no more than there is', async () => {
    const bytes = await freeMemory();
    assert.ok(bytes > 0 && bytes <= totalmem(), String(bytes));
  });

  it('on macOS holds what is given up when somebody asks', () => {
    const output = [
      'Mach Virtual Memory Statistics: (page size of 16384 bytes)',
      'Pages free:                                3000.',
      'Pages active:                            500000.',
      'Pages inactive:                          400000.',
      'Pages speculative:                         1000.',
      'Pages wired down:                        100000.',
    ].join('\n');
    assert.equal(readVmStat(output), 404_000 * 16_384);
    assert.equal(readVmStat('vm_stat: not permitted'), null);
    assert.equal(readVmStat(output.replace(/^Pages inactive.*\n/m, '')), null);
  });
});
