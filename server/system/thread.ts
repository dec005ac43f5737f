import { setImmediate } from 'node:timers/promises';

/** This thread, for work that lets others have it in between. */
export const thread = { now: (): number => performance.now(), nextTurn: (): Promise<void> => setImmediate() };
