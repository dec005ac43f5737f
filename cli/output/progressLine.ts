import type { DownloadProgress, IndexProgress, VectorStatus } from '../../server/engine/index.ts';
import { holdText } from '../../protocol/index.ts';
import { bytes, shortened, type Terminal } from './terminal.ts';

const redrawMs = 100;
const barWidth = 20;

function eta(seconds: number): string {
  return seconds < 60
    ? `${seconds}s left`
    : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s left`;
}

function barOf(share: number): string {
  const filled = Math.round(share * barWidth);
  return `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** One line for a state of a download, no wider than `columns`. */
export function downloadLine(progress: DownloadProgress, columns: number): string {
  const { phase, file, bytesDone, bytesTotal, bytesPerSecond, etaSeconds, note } = progress;
  const share = bytesTotal === null || bytesTotal === 0 ? null : Math.min(1, bytesDone / bytesTotal);
  const done = `${bytes(bytesDone)}${bytesTotal === null ? '' : ` of ${bytes(bytesTotal)}`}`;
  const parts = [
    share === null ? 'Downloading' : barOf(share),
    done,
    ...(phase === 'downloading' && bytesPerSecond > 0 ? [`${bytes(Math.round(bytesPerSecond))}/s`] : []),
    ...(etaSeconds === null ? [] : [eta(etaSeconds)]),
    phase === 'checking' ? 'checking' : (note ?? file),
  ];
  return shortened(parts.join('  '), Math.max(10, columns - 1));
}

/** One line for a state of indexing, no wider than `columns`. */
export function progressLine(progress: IndexProgress, columns: number): string {
  const { phase, filesDone, filesTotal, chunks, filesPerSecond, etaSeconds, slowFile } = progress;
  if (phase === 'saving') return shortened(`Saving the index of ${filesTotal} files`, columns);
  const share = filesTotal === 0 ? 0 : filesDone / filesTotal;
  const bar = phase === 'indexing' ? `${barOf(share)}  ` : 'Finding files  ';
  const rate = filesPerSecond > 0 ? `  ${Math.round(filesPerSecond)} files/s` : '';
  const rest = etaSeconds === null ? '' : `  ${eta(etaSeconds)}`;
  const slow = slowFile === null ? '' : `  ${slowFile}`;
  return shortened(
    `${bar}${filesDone}/${filesTotal} files  ${chunks} chunks${rate}${rest}${slow}`,
    Math.max(10, columns - 1),
  );
}

/** One line for a state of embedding, no wider than `columns`. */
export function embeddingLine(status: VectorStatus, columns: number): string {
  const { embedded, chunks, etaSeconds, failed, hold } = status;
  const parts = [
    barOf(chunks === 0 ? 0 : embedded / chunks),
    `${embedded}/${chunks} chunks embedded`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(etaSeconds === null ? [] : [eta(etaSeconds)]),
    ...(hold === null ? [] : [holdText(hold)]),
  ];
  return shortened(parts.join('  '), Math.max(10, columns - 1));
}

export interface ProgressDisplay<Progress = IndexProgress> {
  show(progress: Progress): void;
  /** Takes the line away. */
  clear(): void;
}

/** A line that is redrawn on a terminal; nothing in a pipe. A new phase is drawn at once. */
function openLine<Progress extends { phase: string }>(
  terminal: Terminal,
  lineOf: (progress: Progress, columns: number) => string,
  clock: () => number,
): ProgressDisplay<Progress> {
  let drawnAt = -Infinity;
  let drawnPhase = '';
  let drawn = false;
  return {
    show(progress) {
      if (!terminal.interactive || progress.phase === 'done') return;
      if (clock() - drawnAt < redrawMs && progress.phase === drawnPhase) return;
      drawnAt = clock();
      drawnPhase = progress.phase;
      drawn = true;
      terminal.redraw(lineOf(progress, terminal.columns()));
    },
    clear() {
      if (drawn) terminal.redraw('');
      drawn = false;
    },
  };
}

export function openProgress(terminal: Terminal, clock: () => number = () => performance.now()): ProgressDisplay {
  return openLine(terminal, progressLine, clock);
}

/** As above; in a pipe it says, once each, what holds it back. */
export function openEmbeddingProgress(
  terminal: Terminal,
  clock: () => number = () => performance.now(),
): ProgressDisplay<VectorStatus & { phase: string }> {
  const line = openLine<VectorStatus & { phase: string }>(terminal, embeddingLine, clock);
  let noted = '';
  return {
    show(progress) {
      line.show(progress);
      const held = progress.hold === null ? '' : holdText(progress.hold);
      if (!terminal.interactive && held !== '' && held !== noted) terminal.note(`Embedding is ${held}.`);
      noted = held;
    },
    clear: () => line.clear(),
  };
}

/** As above; in a pipe it says, once each, for what it waits and why it tries again. */
export function openDownloadProgress(
  terminal: Terminal,
  clock: () => number = () => performance.now(),
): ProgressDisplay<DownloadProgress> {
  const line = openLine(terminal, downloadLine, clock);
  let noted = '';
  return {
    show(progress) {
      line.show(progress);
      if (terminal.interactive || progress.note === null || progress.note === noted) return;
      noted = progress.note;
      terminal.note(`${progress.phase === 'waiting' ? 'Waiting: ' : ''}${progress.note}`);
    },
    clear: () => line.clear(),
  };
}
