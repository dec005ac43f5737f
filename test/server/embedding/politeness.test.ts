import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCpuBudget } from '../../../server/embedding/cpuBudget.ts';
import { createMemoryGuard } from '../../../server/embedding/memoryGuard.ts';
import { createOutage } from '../../../server/embedding/outage.ts';
import { createPauses, createTypingPauses, type Hold } from '../../../server/embedding/pauses.ts';

describe('A share of the processors', () => {
  let at: number;
  const now = (): number => at;
  beforeEach(() => (at = 1_000));

  /** Works in pieces of this length, each at the speed of one core, for 10 minutes; the cores used in the mean. */
  function workFor(cores: number, pieceMs: () => number): number {
    const budget = createCpuBudget(cores, now);
    let used = 0;
    const start = at;
    while (at - start < 600_000) {
      at += budget.waitMs();
      const piece = pieceMs();
      at += piece;
      used += piece;
      budget.spend(piece);
    }
    return used / (at - start);
  }

  for (const cores of [0.1, 0.25, 0.5, 0.9])
    it(`of ${cores} cores is kept, whatever the length of the pieces`, () => {
      for (const piece of [3, 80, 900]) {
        const share = workFor(cores, () => piece);
        assert.ok(share <= cores * 1.02 && share >= cores * 0.97, `${share} of ${cores} in pieces of ${piece}`);
      }
    });

  it('is not saved up: after an hour of rest work is held back as before', () => {
    const budget = createCpuBudget(0.5, now);
    for (let i = 0; i < 100; i++) budget.spend(20);
    at += 3_600_000;
    assert.equal(budget.waitMs(), 0);
    budget.spend(20);
    for (let i = 0; i < 10; i++) budget.spend(20);
    assert.equal(budget.waitMs(), 340);
  });

  it('is counted for several processes together', () => {
    const budget = createCpuBudget(1.5, now);
    at += 300;
    for (let i = 0; i < 2; i++) budget.spend(300);
    assert.equal(budget.waitMs(), 100);
  });

  it('may change: what was used before at no limit is not counted', () => {
    const budget = createCpuBudget(Infinity, now);
    budget.spend(60_000);
    budget.setCores(0.5);
    assert.equal(budget.waitMs(), 0);
    budget.spend(100);
    assert.equal(budget.waitMs(), 200);
    budget.setCores(Infinity);
    assert.equal(budget.waitMs(), 0);
  });
});

describe('Pauses', () => {
  let told: (string | null)[];
  const note = (hold: Hold | null): void => void told.push(hold === null ? null : `${hold.level} ${hold.reason}`);
  beforeEach(() => (told = []));

  it('tell the first of several reasons, and go on when the last is lifted', () => {
    const pauses = createPauses(note);
    pauses.set('memory', 'pause');
    pauses.set('battery', 'pause');
    pauses.set('user', 'pause');
    pauses.set('battery', null);
    pauses.set('user', null);
    pauses.set('memory', null);
    assert.deepEqual(told, ['pause memory', 'pause battery', 'pause user', 'pause memory', null]);
  });

  it('stand above what only slows down', () => {
    const pauses = createPauses(note);
    pauses.set('battery', 'slow');
    pauses.set('typing', 'pause');
    pauses.set('typing', null);
    pauses.set('battery', 'slow');
    assert.deepEqual(told, ['slow battery', 'pause typing', 'slow battery']);
  });

  it('end by themselves where they were set for a time, which begins anew when they are set again', async () => {
    const pauses = createPauses(note);
    pauses.set('typing', 'pause', 60);
    await sleep(40);
    pauses.set('typing', 'pause', 60);
    await sleep(40);
    assert.deepEqual(pauses.hold, { reason: 'typing', level: 'pause' });
    await sleep(60);
    assert.equal(pauses.hold, null);
    assert.deepEqual(told, ['pause typing', null]);
    pauses.set('typing', 'pause', 20);
    pauses.close();
    await sleep(40);
    assert.deepEqual(told, ['pause typing', null, 'pause typing']);
  });

  it('for slow typing grow while it stays slow, and are short again after calm', () => {
    let at = 0;
    const pauseFor = createTypingPauses(() => at);
    assert.equal(pauseFor(79), null);
    assert.equal(pauseFor(80), 10_000);
    at = 4_000; // in the same pause
    assert.equal(pauseFor(300), 10_000);
    at = 15_000; // right after it
    assert.equal(pauseFor(300), 20_000);
    at = 40_000;
    assert.equal(pauseFor(300), 40_000);
    for (const longer of [80_000, 120_000, 120_000]) {
      at += 130_000 - 1_000 * (longer === 80_000 ? 80 : 0);
      assert.equal(pauseFor(300), longer);
    }
    at += 120_000 + 60_000;
    assert.equal(pauseFor(300), 10_000);
  });
});

describe('An outage of embedding', () => {
  it('is tried again after a while, which doubles until all is well', () => {
    let at = 0;
    const outage = createOutage(() => at, 1_000);
    const error = new Error('no room');
    assert.equal(outage.error, null);
    assert.equal(outage.begin(error, false), 1_000);
    at = 999;
    assert.equal(outage.error, error);
    at = 1_000;
    assert.equal(outage.error, null);
    assert.equal(outage.isOnTrial, true);
    assert.equal(outage.begin(error, false), 2_000);
    at = 2_999;
    assert.equal(outage.error, error);
    outage.lift();
    assert.equal(outage.error, null);
    outage.end();
    assert.deepEqual([outage.isOnTrial, outage.nextMs], [false, 1_000]);
  });

  it('that time does not mend lasts until somebody wants to try', () => {
    let at = 0;
    const outage = createOutage(() => at);
    assert.equal(outage.begin(new Error('not a model'), true), null);
    at = 1e12;
    assert.notEqual(outage.error, null);
    outage.lift();
    assert.equal(outage.error, null);
  });
});

describe('The memory of embedding processes', () => {
  const mb = 2 ** 20;

  it('above the ceiling ends one; again and again from the start it is of no use', () => {
    const guard = createMemoryGuard({ ceilingBytes: 300 * mb });
    assert.equal(guard.judge(200 * mb, 1), 'fine');
    assert.equal(guard.note, null);
    assert.equal(guard.judge(301 * mb, 50), 'end');
    assert.match(guard.note!, /took 301 MB where 300 MB are allowed/);
    assert.equal(guard.judge(400 * mb, 1), 'end');
    assert.equal(guard.judge(400 * mb, 1), 'useless');
  });

  it('is not of no use where processes worked for a while in between', () => {
    const guard = createMemoryGuard({ ceilingBytes: 300 * mb });
    assert.equal(guard.judge(400 * mb, 2), 'end');
    assert.equal(guard.judge(200 * mb, 4), 'fine');
    assert.equal(guard.judge(400 * mb, 3), 'end');
  });

  it('leaves some to others, of the largest that was seen', async () => {
    const spare = Math.min(512 * mb, totalmem() * 0.1);
    let free = spare + 200 * mb;
    const guard = createMemoryGuard({ ceilingBytes: Infinity, freeBytes: () => Promise.resolve(free) });
    assert.equal(await guard.hasRoom(), true);
    guard.judge(600 * mb, 1);
    assert.equal(await guard.hasRoom(), false);
    free = spare + 600 * mb;
    assert.equal(await guard.hasRoom(), true);
  });
});
