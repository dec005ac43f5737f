import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../core/errors.ts';
import type { EngineStatus } from '../server/engine/index.ts';

/** The process that writes an index. */
export type Writer = NonNullable<EngineStatus['writer']>;

/** e.g. Visual Studio Code (process 4711 on this-machine) */
export function writerName(writer: Writer | null): string {
  if (writer === null) return 'another process';
  const process = `process ${writer.pid} on ${writer.host}`;
  return writer.program === null ? process : `${writer.program} (${process})`;
}

/** Sleeps unless the command is stopped. */
export async function pause(signal: AbortSignal, ms: number): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // `sleep` rejects for no other reason.
    throw new AppError('cancelled', 'stopped while waiting for another process');
  }
}

const listed = 3;

/** The first of some paths, as people are told of them. */
export const firstOf = (paths: readonly string[]): string =>
  `${paths.slice(0, listed).join(', ')}${paths.length > listed ? ', …' : ''}`;
