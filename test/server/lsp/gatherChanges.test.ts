import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatherChanges } from '../../../server/lsp/gatherChanges.ts';

describe('gatherChanges', () => {
  /** Updates that last until they are let go. */
  function heldUpdates() {
    const begun: (readonly string[])[] = [];
    const ends: (() => void)[] = [];
    const update = (paths: readonly string[]): Promise<void> => {
      begun.push(paths);
      return new Promise((resolve) => ends.push(resolve));
    };
    return { begun, update, endNext: () => ends.shift()!() };
  }

  /** Whether it has resolved by now. */
  async function isDone(promise: Promise<void>): Promise<boolean> {
    let done = false;
    void promise.then(() => (done = true));
    await sleep(5);
    return done;
  }

  const never = 1e6;

  it('brings the paths of a burst up to date together, and later ones after them', async () => {
    const { begun, update, endNext } = heldUpdates();
    const changes = gatherChanges({ update, gatherMs: 10 });
    changes.add(['a']);
    changes.add(['b', 'a']);
    changes.add([]);
    assert.deepEqual(begun, []);
    await sleep(30);
    assert.deepEqual(begun, [['a', 'b']]);
    changes.add(['c']);
    await sleep(30);
    assert.equal(begun.length, 1, 'one at a time');
    endNext();
    await sleep(5);
    assert.deepEqual(begun[1], ['c']);
    endNext();
  });

  it('lets a question wait for what was saved, which begins at once', async () => {
    const { begun, update, endNext } = heldUpdates();
    const changes = gatherChanges({ update, gatherMs: never, waitMs: never });
    assert.ok(await isDone(changes.caughtUp()), 'nothing was saved');
    changes.add(['a']);
    const asked = changes.caughtUp();
    assert.equal(await isDone(asked), false);
    assert.deepEqual(begun, [['a']]);
    changes.add(['b']);
    const askedLater = changes.caughtUp();
    endNext();
    assert.ok(await isDone(asked));
    assert.equal(await isDone(askedLater), false, 'the second save is not searchable yet');
    endNext();
    assert.ok(await isDone(askedLater));
  });

  it('lets it wait no longer than this, counted from the save', async () => {
    const { update, endNext } = heldUpdates();
    const changes = gatherChanges({ update, gatherMs: 0, waitMs: 40 });
    changes.add(['a']);
    await changes.caughtUp();
    assert.ok(await isDone(changes.caughtUp()), 'the time is over for every question');
    endNext();
  });

  it('lets it not wait for many files', async () => {
    const { update, endNext } = heldUpdates();
    const changes = gatherChanges({ update, gatherMs: 0, waitMs: never });
    changes.add(Array.from({ length: 17 }, (_, i) => `file${i}`));
    assert.ok(await isDone(changes.caughtUp()));
    endNext();
  });

  it('drops what has not begun when it is closed, and waits for what has', async () => {
    const { begun, update, endNext } = heldUpdates();
    const changes = gatherChanges({ update, gatherMs: 20, waitMs: 0 });
    changes.add(['a']);
    void changes.caughtUp();
    changes.add(['b']);
    const closing = changes.close();
    assert.equal(await isDone(closing), false);
    endNext();
    await closing;
    await sleep(40);
    assert.deepEqual(begun, [['a']]);
  });
});
