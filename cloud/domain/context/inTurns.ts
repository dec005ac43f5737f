import type { ThreadSharing } from '../../../core/pack/packFull.ts';

/** No question waits longer for work on another one. */
const turnMs = 8;

/** Does long work step by step, letting others have the thread in between. */
export async function inTurns<T>(steps: Iterator<void, T>, { now, nextTurn }: ThreadSharing): Promise<T> {
  for (let since = now(); ;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (now() - since < turnMs) continue;
    await nextTurn();
    since = now();
  }
}
