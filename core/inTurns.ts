/** How a host lets others have its thread during long work. */
export interface ThreadSharing {
  /** In milliseconds. */
  now: () => number;
  nextTurn: () => Promise<void>;
}

/** What shares a thread with long work waits no longer than this. */
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
