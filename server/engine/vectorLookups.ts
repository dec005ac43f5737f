import type { ModelChange } from './modelChange.ts';
import type { ModelInUse } from './modelInUse.ts';

export interface VectorLookupOptions {
  models: ModelChange;
  /** Resolves once it is known which models there are. */
  open: () => Promise<void>;
  /** Files to begin with, as of now. */
  first: () => readonly string[];
  signal: AbortSignal;
  onFailure: (error: unknown) => void;
}

/** Brings the vectors that the cache knows to the files that were indexed. */
export interface VectorLookups {
  /** These files were indexed; all, if none are named. */
  add(paths?: readonly string[]): void;
  /** Looks up what was indexed since the last time. Never rejects. */
  fill(): Promise<void>;
  /** What the cache knows of the files that were there at the start has been looked up, or cannot be. */
  readonly hasStarted: boolean;
}

/** Files whose vectors are looked up in the cache at a time: a few hundred chunks, a few milliseconds. */
const lookupFiles = 64;

export function createVectorLookups({ models, open, first, signal, onFailure }: VectorLookupOptions): VectorLookups {
  let due: Set<string> | 'all' = 'all';
  let filling: Promise<void> | undefined;
  let hasStarted = false;

  const isDue = (): boolean => due === 'all' || due.size > 0;

  async function lookUp({ supply }: ModelInUse, asked: ReadonlySet<string> | 'all'): Promise<void> {
    const paths = asked === 'all' ? await supply.filesToEmbed(first()) : [...asked];
    let taken: Promise<void> = Promise.resolve();
    for (let i = 0; i < paths.length && !signal.aborted; i += lookupFiles) {
      // Read while the store takes in those before.
      const put = await supply.lookUp(paths.slice(i, i + lookupFiles));
      await taken;
      taken = put();
      // It is awaited above or below, but for a failure to read meanwhile.
      taken.catch(() => undefined);
    }
    await taken;
    await supply.recount();
  }

  /** When the model cannot be opened, that stays so. */
  async function fillOnce(): Promise<void> {
    await open();
    const asked = due;
    due = new Set();
    const { earlier, wanted } = models;
    // The one that answers comes first.
    if (earlier !== null)
      await lookUp(earlier, asked).catch((error: unknown) => models.giveUpEarlier((error as Error).message));
    if (wanted !== null) await lookUp(wanted, asked);
  }

  async function fillAll(): Promise<void> {
    try {
      while (isDue() && !signal.aborted) await fillOnce();
    } catch (error) {
      // Words answer all the same.
      onFailure(error);
    }
    hasStarted = true;
  }

  return {
    add(paths) {
      if (paths === undefined) due = 'all';
      else if (due !== 'all') for (const path of paths) due.add(path);
    },
    fill() {
      if (filling === undefined && !isDue()) return Promise.resolve();
      filling ??= fillAll().finally(() => (filling = undefined));
      return filling;
    },
    get hasStarted() {
      return hasStarted;
    },
  };
}
