import { AppError, hasErrorCode } from '../core/errors.ts';
import type { Engine, IndexReport } from '../server/engine/index.ts';
import { counted } from './output/terminal.ts';
import { firstOf, pause, writerName, type Writer } from './otherWriter.ts';
import { indexWithProgress, type Session } from './session.ts';

/** Between two looks at the folder; longer where a look takes long. */
const lookEveryMs = 500;
/** So long the process that writes may stand still although the index is behind the folder. */
const patienceMs = 30_000;

function standsStill(writer: Writer | null, outdated: readonly string[]): AppError {
  return new AppError(
    'index_locked',
    `${writerName(writer)} writes this index and does not take up ${counted(outdated.length, 'path')} that changed: ${firstOf(outdated)}`,
    {
      hint: 'It may have other settings (include, exclude, maxFileKb). Index there (“ContextKit: Index Workspace”), or end it and run this again.',
      details: { writer, outdated: outdated.length },
    },
  );
}

function needsToBeAlone(writer: Writer | null): AppError {
  return new AppError('index_locked', `${writerName(writer)} writes this index: it cannot be made anew meanwhile`, {
    hint: 'End it and run this again, or use another folder with --index-dir.',
    details: { writer },
  });
}

/** What there is to say of an index that another process has brought up to date. */
async function reportOf(engine: Engine, startedAt: number): Promise<IndexReport> {
  const { files, chunks, symbols, skipped } = await engine.status();
  const durationMs = Math.round(performance.now() - startedAt);
  return {
    files,
    chunks,
    symbols,
    skipped,
    added: 0,
    changed: 0,
    removed: 0,
    unchanged: files,
    filesRead: 0,
    filesParsed: 0,
    durationMs,
  };
}

async function indexUnlessLocked(session: Session, engine: Engine, force: boolean): Promise<IndexReport | null> {
  try {
    return await indexWithProgress(session, engine, force);
  } catch (error) {
    if (hasErrorCode(error, 'index_locked')) return null;
    throw error;
  }
}

export interface AlongsideOptions {
  /** Read and parse everything again: not while another process writes. */
  force: boolean;
  /** False fails at once when another process writes. */
  wait: boolean;
}

/**
 * Returns when the index is what is on disk, whoever brings it there. An editor holds its index for as long as it is
 * open and keeps it up to date: it is looked whether it has, and waited for as long as it gets on with it. When the
 * process ends, this one takes over.
 */
export async function indexAlongside(
  session: Session,
  engine: Engine,
  { force, wait }: AlongsideOptions,
): Promise<{ report: IndexReport; keptBy: Writer | null }> {
  const startedAt = performance.now();
  let [movedAt, generation, fewest] = [startedAt, -1, Infinity];
  let told = '';
  for (;;) {
    const report = await indexUnlessLocked(session, engine, force);
    if (report !== null) return { report, keptBy: null };
    const status = await engine.status();
    if (force) throw needsToBeAlone(status.writer);
    if (!wait)
      throw new AppError('index_locked', `${writerName(status.writer)} writes this index`, {
        hint: 'Without --no-wait this waits until it is up to date.',
        details: { writer: status.writer },
      });
    const lookedAt = performance.now();
    const outdated = await engine.outdated({ signal: session.signal });
    if (outdated.length === 0 && status.generation > 0)
      return { report: await reportOf(engine, startedAt), keptBy: status.writer };
    if (status.generation !== generation || outdated.length < fewest) movedAt = performance.now();
    generation = status.generation;
    fewest = Math.min(fewest, outdated.length);
    if (performance.now() - movedAt > patienceMs) throw standsStill(status.writer, outdated);
    const note = `Waiting for ${writerName(status.writer)}, which writes this index`;
    if (note !== told) session.terminal.note(`${note}: ${counted(outdated.length, 'path')} to go. Ctrl-C to stop.`);
    told = note;
    if (session.terminal.interactive) session.terminal.redraw(`${counted(outdated.length, 'path')} to go`);
    await pause(session.signal, Math.max(lookEveryMs, 2 * (performance.now() - lookedAt)));
    if (session.terminal.interactive) session.terminal.redraw('');
  }
}
