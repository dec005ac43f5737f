import type { IndexProgress } from '../../server/engine/index.ts';
import { shortened, type Terminal } from './terminal.ts';

const redrawMs = 100;
const barWidth = 20;

function eta(seconds: number): string {
  return seconds < 60
    ? `${seconds}s left`
    : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s left`;
}

/** One line for a state of indexing, no wider than `columns`. */
export function progressLine(progress: IndexProgress, columns: number): string {
  const { phase, filesDone, filesTotal, chunks, filesPerSecond, etaSeconds, slowFile } = progress;
  if (phase === 'saving') return shortened(`Saving the index of ${filesTotal} files`, columns);
  const share = filesTotal === 0 ? 0 : filesDone / filesTotal;
  const filled = Math.round(share * barWidth);
  const bar =
    phase === 'indexing'
      ? `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%  `
      : 'Finding files  ';
  const rate = filesPerSecond > 0 ? `  ${Math.round(filesPerSecond)} files/s` : '';
  const rest = etaSeconds === null ? '' : `  ${eta(etaSeconds)}`;
  const slow = slowFile === null ? '' : `  ${slowFile}`;
  return shortened(
    `${bar}${filesDone}/${filesTotal} files  ${chunks} chunks${rate}${rest}${slow}`,
    Math.max(10, columns - 1),
  );
}

export interface ProgressDisplay {
  show(progress: IndexProgress): void;
  /** Takes the line away. */
  clear(): void;
}

/** A line that is redrawn on a terminal; nothing in a pipe. */
export function openProgress(terminal: Terminal, clock: () => number = () => performance.now()): ProgressDisplay {
  let drawnAt = -Infinity;
  let drawn = false;
  return {
    show(progress) {
      if (!terminal.interactive || progress.phase === 'done' || clock() - drawnAt < redrawMs) return;
      drawnAt = clock();
      drawn = true;
      terminal.redraw(progressLine(progress, terminal.columns()));
    },
    clear() {
      if (drawn) terminal.redraw('');
      drawn = false;
    },
  };
}
