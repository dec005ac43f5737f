export interface GatherOptions {
  /** Brings these paths up to date; never rejects. */
  update: (paths: readonly string[]) => Promise<void>;
  /** Events of one save come in a burst; this long they are gathered. */
  gatherMs?: number;
  /** People wait no longer for an answer that knows what they have just saved, counted from the save. */
  waitMs?: number;
}

/** The changes of a folder on their way into its index. */
export interface GatheredChanges {
  /** Paths may have changed: they are gathered for a moment and brought up to date together. */
  add(paths: readonly string[]): void;
  /** A question is about to be asked: resolves when the few files that were saved just now are searchable, or soon. */
  caughtUp(): Promise<void>;
  /** Drops what has not begun, and waits for what has. */
  close(): Promise<void>;
}

/** More files than these take longer than a question waits. */
const mostSaved = 16;

/** Resolves when the work is done, after this time at the latest. */
async function settledWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * One update at a time, with what came meanwhile in the next one. A question asked right after a save waits for it:
 * otherwise it would miss what was saved, read the file a second time, and take the processor from the update.
 */
export function gatherChanges({ update, gatherMs = 30, waitMs = 200 }: GatherOptions): GatheredChanges {
  let pending = new Set<string>();
  let pendingSince = 0;
  let timer: NodeJS.Timeout | undefined;
  let updating: Promise<void> = Promise.resolve();
  /** Updates that are not done, oldest first. */
  const open = new Set<{ since: number; files: number }>();

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const paths = [...pending];
    pending = new Set();
    const begun = { since: pendingSince, files: paths.length };
    open.add(begun);
    updating = updating.then(() => update(paths)).finally(() => open.delete(begun));
  }

  return {
    add(paths) {
      if (paths.length === 0) return;
      if (pending.size === 0) pendingSince = performance.now();
      for (const each of paths) pending.add(each);
      timer ??= setTimeout(flush, gatherMs);
    },
    async caughtUp() {
      if (pending.size > 0) flush();
      const [oldest] = open;
      const files = [...open].reduce((sum, each) => sum + each.files, 0);
      if (oldest === undefined || files > mostSaved) return;
      const leftMs = oldest.since + waitMs - performance.now();
      if (leftMs > 0) await settledWithin(updating, leftMs);
    },
    async close() {
      clearTimeout(timer);
      pending = new Set();
      await updating;
    },
  };
}
