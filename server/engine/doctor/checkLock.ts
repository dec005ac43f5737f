import fs from 'node:fs';
import path from 'node:path';
import { describeLock, isWriterLock, takeLock } from '../../store/index.ts';
import type { CheckContext, CheckFinding } from './types.ts';

/** Who writes, and is it still there? */
export function checkLock({ indexDir, mayFix }: CheckContext): CheckFinding[] {
  const state = describeLock(indexDir);
  if (state.kind === 'free') return [{ level: 'ok', message: 'nobody writes this index' }];
  if (state.kind === 'unreadable') {
    if (mayFix) fs.rmSync(path.join(indexDir, 'index.lock'), { force: true });
    return [
      {
        level: 'problem',
        message: 'index.lock does not say who writes this index',
        hint: 'The next run takes it over; `contextkit doctor --fix` removes it now.',
        fixed: mayFix,
      },
    ];
  }
  const { pid, host, startedAt, program } = state.owner;
  const who = program === null ? `process ${pid} on ${host}` : `${program} (process ${pid} on ${host})`;
  if (state.kind === 'held') {
    return [
      {
        level: 'ok',
        message: `${who} has been writing this index since ${startedAt}`,
        ...(state.isForeign
          ? { hint: 'Another machine writes it: this one only reads until its lock has been silent for two minutes.' }
          : {}),
      },
    ];
  }
  return [
    {
      level: 'note',
      message: `${who} was writing this index and is gone`,
      hint: 'The next run takes over; `contextkit doctor --fix` removes the lock now.',
      fixed: mayFix && takeOver(indexDir),
    },
  ];
}

/** As a writer would: another one that does the same at this moment is not disturbed. */
function takeOver(indexDir: string): boolean {
  const taken = takeLock(indexDir);
  if (!isWriterLock(taken)) return false;
  taken.release();
  return true;
}
