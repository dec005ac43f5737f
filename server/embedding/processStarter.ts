import type { MemoryGuard } from './memoryGuard.ts';

export interface ProcessStarterOptions {
  memory: MemoryGuard;
  /** Wait after a process died, doubled for each that dies in a row while it loads; in ms. */
  backOffMs: number;
  /** How many processes there are. */
  running: () => number;
  /** Whether one more is allowed, and there is work for it now. */
  isWanted: () => boolean;
  /** Somebody waits for an answer. */
  isAsked: () => boolean;
  /** Texts wait, perhaps for better times. */
  isQueued: () => boolean;
  start: () => void;
  /** Things have changed: see what can be done now. */
  lookAgain: () => void;
  /** There is, or is no more, too little memory free for what nobody waits for. */
  onMemory: ((isShort: boolean) => void) | undefined;
}

/** Decides when a process is started: not right after one died, and only where there is room for it. */
export interface ProcessStarter {
  /** Too little memory is free for a first process. */
  readonly isShort: boolean;
  /** One is wanted. */
  soon(): void;
  /** Looks after a while whether there is room. */
  whenThereIsRoom(): void;
  /** One died; so many in a row did while they loaded. */
  died(failedStarts: number): void;
  /** The next one is not waited for. */
  atOnce(): void;
  close(): void;
}

/** How often it is looked whether there is room again. */
const roomEveryMs = 10_000;

export function createProcessStarter(options: ProcessStarterOptions): ProcessStarter {
  const { memory, backOffMs, running, isWanted, isAsked, isQueued, start, lookAgain, onMemory } = options;
  let notBefore = 0;
  let timer: NodeJS.Timeout | undefined;
  let isShort = false;
  /** The system is being asked for its free memory. */
  let isLooking = false;
  let closed = false;

  function later(ms: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (isShort) soon();
      else lookAgain();
    }, ms);
  }

  function soon(): void {
    const wait = notBefore - Date.now();
    if (wait > 0) return later(wait);
    // Where there was no room it is not asked again with every run; but for somebody who waits.
    const isUrgent = running() === 0 && isAsked();
    if (isLooking || (timer !== undefined && !isUrgent)) return;
    isLooking = true;
    void memory.hasRoom().then((hasRoom) => {
      isLooking = false;
      if (!closed) decide(hasRoom);
    });
  }

  /** A first process for a question is started wherever it can be: somebody waits. */
  function decide(hasRoom: boolean): void {
    const isFirst = running() === 0;
    noteMemory(!hasRoom && isFirst && !isAsked() && isQueued());
    if ((hasRoom || (isFirst && isAsked())) && isWanted()) start();
    else if (!hasRoom && isQueued()) return later(roomEveryMs);
    lookAgain();
  }

  function noteMemory(now: boolean): void {
    if (now === isShort) return;
    isShort = now;
    onMemory?.(now);
  }

  return {
    get isShort() {
      return isShort;
    },
    soon,
    whenThereIsRoom: () => later(roomEveryMs),
    died(failedStarts) {
      notBefore = Date.now() + backOffMs * 2 ** Math.max(0, failedStarts - 1);
    },
    atOnce() {
      notBefore = 0;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
