import assert from 'node:assert/strict';
import { CheckpointPace } from '../../../server/store/checkpointPace.ts';

/** When checkpoints of a store begin whose changes come at these times; each takes so long. */
function checkpointsAt(changes: readonly number[], tookMs: number): number[] {
  const pace = new CheckpointPace();
  const begun: number[] = [];
  let timer = Infinity;
  const runUntil = (now: number): void => {
    if (timer > now) return;
    begun.push(timer);
    pace.began();
    pace.ended(timer + tookMs, tookMs);
    timer = Infinity;
  };
  for (const now of changes) {
    runUntil(now);
    const inMs = pace.changed(now);
    if (inMs !== null) timer = now + inMs;
  }
  runUntil(Infinity);
  return begun;
}

const every = (ms: number, from: number, to: number): number[] =>
  Array.from({ length: Math.floor((to - from) / ms) + 1 }, (_, i) => from + i * ms);

describe('CheckpointPace', () => {
  it('waits for quiet, after one change and after a burst', () => {
    assert.deepEqual(checkpointsAt([60_000], 300), [62_000]);
    assert.deepEqual(checkpointsAt(every(100, 60_000, 61_500), 300), [63_500]);
  });

  it('comes between changes that go on, never within 400 ms of one, for less than a tenth of the time', () => {
    for (const tookMs of [20, 400, 1_500]) {
      const changes = every(650, 60_000, 160_000);
      // Without the one in the quiet after the last change.
      const begun = checkpointsAt(changes, tookMs).filter((at) => at < 160_000);
      const longest = Math.max(5_000, 10 * tookMs) + 2_000;
      assert.ok(begun.length >= 100_000 / (longest + tookMs + 400), `${begun.length} at ${tookMs} ms`);
      for (const [i, at] of begun.entries()) {
        assert.ok(at - (begun[i - 1] ?? 0) - tookMs >= 10 * tookMs, `the one at ${at}, which take ${tookMs} ms`);
        const before = changes.findLast((change) => change <= at)!;
        assert.ok(at - before >= 400, `a checkpoint ${at - before} ms after a change`);
      }
    }
  });

  it('is not put off for ever by changes without a pause', () => {
    const begun = checkpointsAt(every(50, 60_000, 100_000), 300);
    assert.ok(begun.length >= 4, begun.join());
    for (const [i, at] of begun.slice(1).entries())
      assert.ok(at - begun[i]! <= 5_000 + 2_000 + 400 + 300, begun.join());
  });
});
