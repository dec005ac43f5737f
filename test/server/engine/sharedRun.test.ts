import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { isAppError } from '../../../core/errors.ts';
import { createSharedRun } from '../../../server/engine/sharedRun.ts';

/** A job that ends when told to, or when its signal says so. */
function controllable() {
  const starts: AbortSignal[] = [];
  let finish: (value: string) => void = () => undefined;
  const run = createSharedRun(
    (signal) =>
      new Promise<string>((resolve, reject) => {
        starts.push(signal);
        finish = resolve;
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      }),
  );
  return { run, starts, finish: (value: string) => finish(value) };
}

const isCancelled = (error: unknown): boolean => isAppError(error) && error.code === 'cancelled';

describe('createSharedRun', () => {
  it('lets callers at the same time share one job', async () => {
    const { run, starts, finish } = controllable();
    const both = Promise.all([run.join(undefined), run.join(undefined)]);
    finish('done');
    assert.deepEqual(await both, ['done', 'done']);
    assert.equal(starts.length, 1);
    assert.equal(run.running, false);
  });

  it('goes on for the others when one caller leaves', async () => {
    const { run, starts, finish } = controllable();
    const abort = new AbortController();
    const leaving = run.join(abort.signal);
    const staying = run.join(undefined);
    abort.abort();
    await assert.rejects(leaving, isCancelled);
    assert.equal(starts[0]!.aborted, false);
    finish('done');
    assert.equal(await staying, 'done');
  });

  it('stops the job when the last caller leaves', async () => {
    const { run, starts } = controllable();
    const abort = new AbortController();
    const only = run.join(abort.signal);
    abort.abort();
    await assert.rejects(only, isCancelled);
    assert.equal(starts[0]!.aborted, true);
    assert.equal(run.running, false);
  });

  it('refuses a caller that was cancelled before it began', async () => {
    const { run, starts } = controllable();
    await assert.rejects(run.join(AbortSignal.abort()), isCancelled);
    assert.equal(starts.length, 0);
  });

  it('passes a failure of the job on as it is, and can start again', async () => {
    let fail = true;
    const run = createSharedRun(() => (fail ? Promise.reject(new Error('disk on fire')) : Promise.resolve('fine')));
    await assert.rejects(run.join(undefined), /disk on fire/);
    fail = false;
    assert.equal(await run.join(undefined), 'fine');
  });

  it('leaves nothing with a signal that outlives it', async () => {
    const abort = new AbortController();
    const run = createSharedRun(() => Promise.resolve('done'));
    for (let i = 0; i < 3; i++) await run.join(abort.signal);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  it('stops and waits', async () => {
    const { run } = controllable();
    const joined = run.join(undefined);
    await Promise.all([run.stop(), assert.rejects(joined, isCancelled)]);
    assert.equal(run.running, false);
  });
});
