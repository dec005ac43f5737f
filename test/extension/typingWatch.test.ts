import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTypingWatch } from '../../extension/typingWatch.ts';

/** A real timer; the clock and the processor are told how much went by besides. */
describe('Typing in the editor', function () {
  this.timeout(10_000);
  let lateMs: number;
  let ownMs: number;
  let told: number[];

  function watch() {
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    return createTypingWatch({
      now: () => performance.now() - start + lateMs,
      cpuMs: () => {
        const { user, system } = process.cpuUsage(cpu);
        return (user + system) / 1_000 + ownMs;
      },
      onStarved: (starvedMs) => told.push(starvedMs),
    });
  }

  beforeEach(() => {
    [lateMs, ownMs] = [0, 0];
    told = [];
  });

  it('is slow when its process waits for the processor', async () => {
    const typing = watch();
    typing.typed();
    for (let i = 0; i < 8; i++) {
      await sleep(100);
      lateMs += 60;
    }
    await sleep(200);
    typing.dispose();
    assert.ok(told.length >= 1 && told[0]! >= 8 * 60 * 0.5, JSON.stringify(told));
  });

  it('is not slow for us when its process is busy itself', async () => {
    const typing = watch();
    typing.typed();
    for (let i = 0; i < 12; i++) {
      await sleep(100);
      lateMs += 60;
      ownMs += 60;
    }
    typing.dispose();
    assert.ok(
      told.every((starved) => starved < 60),
      JSON.stringify(told),
    );
  });

  it('is looked at for two seconds after the last key only', async () => {
    const typing = watch();
    typing.typed();
    lateMs += 2_100;
    await sleep(200);
    const before = told.length;
    lateMs += 5_000;
    await sleep(300);
    assert.equal(told.length, before);
    typing.dispose();
  });
});
