import fs from 'node:fs';
import path from 'node:path';
import { isRunning } from '../../system/isRunning.ts';
import { isWholeRecord } from '../packStore.ts';
import type { CheckContext, CheckFinding } from './types.ts';

/** Nobody needs as long for writing a file. */
const abandonedMs = 600_000;

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** A temporary of a process that is gone, or one that is too old to be in use. */
function isAbandoned(folder: string, name: string): boolean {
  if (!/\.(?:tmp|stale)$/.test(name)) return false;
  const pid = /\.(\d+)\.[0-9a-f]+\.tmp$/.exec(name)?.[1];
  if (pid !== undefined) return !isRunning(Number(pid));
  const stats = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) > abandonedMs;
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** What processes that were killed have left half written. */
export function checkTemporaries({ indexDir, mayFix }: CheckContext): CheckFinding[] {
  const left = ['', 'packs', 'sessions'].flatMap((folder) =>
    namesIn(path.join(indexDir, folder))
      .filter((name) => isAbandoned(path.join(indexDir, folder), name))
      .map((name) => path.posix.join(folder, name)),
  );
  if (left.length === 0) return [];
  if (mayFix) for (const name of left) fs.rmSync(path.join(indexDir, name), { force: true });
  return [
    {
      level: 'note',
      message: `left behind by a process that was killed: ${listed(left)}`,
      hint: '`contextkit doctor --fix` removes them.',
      fixed: mayFix,
    },
  ];
}

/** Damaged indexes that were kept for a look into them. */
export function checkSetAside({ indexDir, mayFix }: CheckContext): CheckFinding[] {
  const kept = namesIn(indexDir).filter((name) => name.startsWith('index.db.damaged-'));
  if (kept.length === 0) return [];
  if (mayFix) for (const name of kept) fs.rmSync(path.join(indexDir, name), { recursive: true, force: true });
  return [
    {
      level: 'note',
      message: `an index that was damaged was kept: ${listed(kept)}`,
      hint: '`contextkit doctor --fix` removes it.',
      fixed: mayFix,
    },
  ];
}

/** What is remembered of packs and conversations. */
export function checkRemembered({ indexDir, mayFix }: CheckContext): CheckFinding[] {
  return (['packs', 'sessions'] as const).flatMap((kind): CheckFinding[] => {
    const folder = path.join(indexDir, kind);
    const names = namesIn(folder).filter((name) => name.endsWith('.json'));
    const broken = names.filter((name) => !isWholeRecord(kind, fs.readFileSync(path.join(folder, name), 'utf8')));
    if (broken.length === 0) return [];
    if (mayFix) for (const name of broken) fs.rmSync(path.join(folder, name), { force: true });
    return [
      {
        level: 'problem',
        message: `what is remembered in ${kind} is damaged: ${listed(broken)}`,
        hint: '`contextkit doctor --fix` removes it; only `pack diff` and `--have` lose by it.',
        fixed: mayFix,
      },
    ];
  });
}

const clockSlackMs = 120_000;

/** Files of ours that are newer than now: the clock was put back. */
export function checkClock({ indexDir, mayFix }: CheckContext): CheckFinding[] {
  const now = Date.now();
  const ahead = namesIn(indexDir).filter((name) => {
    const stats = fs.statSync(path.join(indexDir, name), { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.mtimeMs > now + clockSlackMs;
  });
  if (ahead.length === 0) return [];
  if (mayFix) for (const name of ahead) fs.utimesSync(path.join(indexDir, name), new Date(now), new Date(now));
  return [
    {
      level: 'note',
      message: `written at a time that is still to come: ${listed(ahead)}; the clock of this machine was put back, or that of another is ahead`,
      hint: 'Check the clock; `contextkit doctor --fix` gives the files the present time.',
      fixed: mayFix,
    },
  ];
}
