import type { ModelFiles } from './types.ts';

export type DownloadPhase = 'waiting' | 'downloading' | 'retrying' | 'checking' | 'done';

export interface DownloadProgress {
  phase: DownloadPhase;
  /** The file that is fetched now, '' before the first. */
  file: string;
  /** Of all files. */
  bytesDone: number;
  /** Null until it is known. */
  bytesTotal: number | null;
  bytesPerSecond: number;
  /** Seconds to the end, null while it cannot be said honestly. */
  etaSeconds: number | null;
  /** Why it waits or tries again. */
  note: string | null;
}

/** Over so many milliseconds the speed is averaged. */
const speedOverMs = 4_000;
const leastForSpeedMs = 500;
const tellEveryMs = 100;

export interface DownloadMeter {
  /** Bytes of a file that are here, and how many it has. */
  bytes(file: string, done: number, total: number | null): void;
  tell(phase: DownloadPhase, note?: string): void;
  /** Time has passed: where no bytes come, the speed sinks. */
  tick(): void;
}

/** Adds the files up and tells no more than ten times a second. `clock` gives milliseconds. */
export function downloadMeter(
  files: ModelFiles,
  onProgress: ((progress: DownloadProgress) => void) | undefined,
  clock: () => number = () => performance.now(),
): DownloadMeter {
  const done = new Map<string, number>();
  const totals = new Map<string, number | null>(Object.values(files).map(({ path, bytes }) => [path, bytes]));
  /** Sizes that nobody knows yet are those of small files: left out of the total as long as the model's is known. */
  const modelFile = files.model.path;
  /** Times and bytes that came over the net since the last jump (a part that was there already is no speed). */
  let samples: { at: number; bytes: number }[] = [];
  let current = '';
  let toldAt = -Infinity;
  let told: DownloadPhase = 'waiting';

  const sum = (values: Iterable<number | null>): number =>
    [...values].reduce<number>((all, each) => all + (each ?? 0), 0);

  function progress(phase: DownloadPhase, note: string | null): DownloadProgress {
    const bytesDone = sum(done.values());
    const bytesTotal = (totals.get(modelFile) ?? null) === null ? null : sum(totals.values());
    const [first] = samples;
    const last = samples.at(-1);
    const over = first === undefined ? 0 : clock() - first.at;
    const came = first === undefined || last === undefined ? 0 : last.bytes - first.bytes;
    const bytesPerSecond = over < leastForSpeedMs ? 0 : (came / over) * 1000;
    const left = bytesTotal === null ? null : Math.max(0, bytesTotal - bytesDone);
    return {
      phase,
      file: current,
      bytesDone,
      bytesTotal,
      bytesPerSecond,
      etaSeconds:
        phase !== 'downloading' || left === null || bytesPerSecond === 0 ? null : Math.ceil(left / bytesPerSecond),
      note,
    };
  }

  return {
    bytes(file, bytes, total) {
      const now = clock();
      if (file !== current || bytes < (done.get(file) ?? 0) || !done.has(file)) samples = [];
      current = file;
      done.set(file, bytes);
      totals.set(file, total);
      samples.push({ at: now, bytes });
      while (samples.length > 2 && samples[0]!.at < now - speedOverMs) samples.shift();
      told = 'downloading';
      if (now - toldAt < tellEveryMs) return;
      toldAt = now;
      onProgress?.(progress('downloading', null));
    },
    tick() {
      if (told === 'downloading' && clock() - toldAt >= tellEveryMs) onProgress?.(progress('downloading', null));
    },
    tell(phase, note) {
      told = phase;
      samples = [];
      onProgress?.(progress(phase, note ?? null));
    },
  };
}
