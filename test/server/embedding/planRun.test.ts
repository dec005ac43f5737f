import assert from 'node:assert/strict';
import { planRun } from '../../../server/embedding/planRun.ts';
import { createTextQueue, type QueuedText } from '../../../server/embedding/textQueue.ts';
import { embedPriority, type EmbedPriority } from '../../../server/embedding/types.ts';

describe('A run of the model', () => {
  it('takes a long text alone', () => {
    assert.deepEqual(planRun([]), []);
    assert.deepEqual(planRun([300, 300, 20]), [0]);
    assert.deepEqual(planRun([129, 10]), [0]);
  });

  it('takes short texts of like length together, eight at most', () => {
    assert.deepEqual(planRun([50, 300, 52, 20, 49]), [0, 2, 4]);
    assert.deepEqual(planRun(Array<number>(20).fill(30)), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.equal(planRun(Array<number>(20).fill(120)).length, 4);
  });

  it('always takes the first, and pads little', () => {
    for (let seed = 1; seed < 200; seed++) {
      const lengths = Array.from({ length: 30 }, (_, i) => 2 + ((i * i * 31 + seed * 17 * i + seed) % 500));
      const chosen = planRun(lengths);
      assert.equal(chosen[0], 0);
      const taken = chosen.map((index) => lengths[index]!);
      assert.ok(taken.length <= 8 && new Set(chosen).size === chosen.length);
      if (taken.length === 1) continue;
      assert.ok(Math.max(...taken) <= 128 && Math.max(...taken) * taken.length <= 512);
      assert.ok(Math.min(...taken) >= 0.7 * Math.max(...taken));
    }
  });
});

describe('The texts that wait', () => {
  const queued = (text: string, priority: EmbedPriority, tokens?: number): QueuedText => ({
    text,
    priority,
    tokens,
    alone: false,
    settle: () => undefined,
    reject: () => undefined,
  });
  const names = (texts: readonly QueuedText[]): string[] => texts.map(({ text }) => text);
  const how = { paused: false, batches: true };

  it('are taken by priority, then in order', () => {
    const queue = createTextQueue();
    for (const [name, priority] of Object.entries(embedPriority).reverse())
      for (const turn of [1, 2]) queue.add(queued(`${name} ${turn}`, priority, 200));
    assert.equal(queue.count(false), 6);
    assert.equal(queue.count(true), 4);
    const order = Array.from({ length: 6 }, () => names(queue.take(how))[0]);
    assert.deepEqual(order, ['query 1', 'query 2', 'answer 1', 'answer 2', 'background 1', 'background 2']);
    assert.deepEqual(queue.take(how), []);
  });

  it('share a run by length, not across priorities, and not when they are to be alone', () => {
    const queue = createTextQueue();
    for (const [i, tokens] of [40, 400, 42, 41].entries()) queue.add(queued(`b${i}`, 2, tokens));
    queue.add(queued('q', 0, 40));
    const burnt = queued('burnt', 2, 40);
    burnt.alone = true;
    queue.add(burnt);
    assert.deepEqual(names(queue.take(how)), ['q']);
    assert.deepEqual(names(queue.take({ paused: true, batches: true })), []);
    assert.deepEqual(names(queue.take({ paused: false, batches: false })), ['b0']);
    queue.putBack(queued('b0', 2, 40));
    assert.deepEqual(names(queue.take(how)).sort(), ['b0', 'b2', 'b3']);
    assert.deepEqual(names(queue.take(how)), ['b1']);
    assert.deepEqual(names(queue.take(how)), ['burnt']);
  });

  it('are estimated by their characters until they are counted', () => {
    const queue = createTextQueue();
    queue.add(queued('x'.repeat(100), 2));
    queue.add(queued('y'.repeat(2000), 2));
    queue.add(queued('z'.repeat(110), 2));
    assert.deepEqual(
      names(queue.take(how)).map((text) => text[0]),
      ['x', 'z'],
    );
  });

  it('can be removed', () => {
    const queue = createTextQueue();
    for (const name of ['a', 'b', 'c']) queue.add(queued(name, 1, 300));
    assert.deepEqual(names(queue.remove(({ text }) => text === 'b')), ['b']);
    assert.deepEqual(names(queue.takeAll()), ['a', 'c']);
    assert.equal(queue.count(false), 0);
  });
});
