import { AppError } from '../../core/errors.ts';
import { scoreRepository, type ScoreProgress, type ScoreReport } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { wholeNumber } from '../output/options.ts';
import { measureTitle, scoreLines } from '../output/scoreTable.ts';
import { shortened, type Terminal } from '../output/terminal.ts';
import { storeRanking } from '../rankingConfig.ts';
import { embeddingsOf, engineSettings, type Session } from '../session.ts';
import { findRoot, readConfig } from '../workspace.ts';

export interface ScoreCommandOptions {
  commits: string;
  budget: string;
  minRecall?: string;
  tune?: boolean;
}

const redrawMs = 100;

function shareOf(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const share = Number(value);
  if (value.trim() !== '' && share >= 0 && share <= 1) return share;
  throw new AppError('invalid_input', `${option} takes a share from 0 to 1, not "${value}"`, {
    hint: `For example ${option} 0.8.`,
  });
}

function progressText({ phase, done, total, etaSeconds }: ScoreProgress): string {
  switch (phase) {
    case 'reading':
      return 'Reading the history';
    case 'indexing':
      return 'Indexing the state before the oldest commit';
    case 'embedding':
      return `Embedding it  ${done}/${total} chunks${etaSeconds === null ? '' : `  ${etaSeconds}s left`}`;
    case 'asking':
    case 'tuning': {
      const rest = etaSeconds === null ? '' : `  ${etaSeconds}s left`;
      return `${phase === 'asking' ? 'Asking' : 'Trying weights'}  ${done}/${total} commits${rest}`;
    }
  }
}

/** Redraws one line on a terminal; the returned function takes it away. */
function showProgress(terminal: Terminal): { show: (progress: ScoreProgress) => void; clear: () => void } {
  let drawnAt = -Infinity;
  return {
    show(progress) {
      if (!terminal.interactive || performance.now() - drawnAt < redrawMs) return;
      drawnAt = performance.now();
      terminal.redraw(shortened(progressText(progress), Math.max(10, terminal.columns() - 1)));
    },
    clear() {
      if (drawnAt > -Infinity) terminal.redraw('');
    },
  };
}

/** Stores what a tuning has proved; says what it did. */
async function applyTuning(
  root: string,
  { tuning, fitted }: ScoreReport,
): Promise<{ stored: string | null; says: string | null }> {
  if (tuning === null) return { stored: null, says: null };
  if (tuning.proof?.certain !== true)
    return { stored: null, says: 'Not better with certainty: config.yaml stays as it is.' };
  const stored = await storeRanking(root, tuning.ranking, fitted);
  const what = fitted.model === null ? 'search by words' : `search with ${fitted.model}`;
  return { stored, says: `Better with certainty: stored for ${what} under "ranking.tuned" in ${stored}.` };
}

const named = (report: ScoreReport): Record<string, Omit<ScoreReport['measures'][number], 'measure'>> =>
  Object.fromEntries(report.measures.map(({ measure, ...rest }) => [measureTitle(measure, report.budget), rest]));

/** Scores the ranking on the repository's own history. */
export async function scoreCommand(session: Session, options: ScoreCommandOptions): Promise<number> {
  const { terminal, signal, common } = session;
  const commits = wholeNumber('--commits', options.commits);
  const budget = wholeNumber('--budget', options.budget);
  const minRecall = shareOf('--min-recall', options.minRecall);
  const root = findRoot(common.root, session.cwd);
  const config = await readConfig(root);
  const { parseWorkers } = config;
  const progress = showProgress(terminal);
  let report: ScoreReport;
  const embeddings = common.embed === true ? embeddingsOf(session, config) : undefined;
  try {
    report = await scoreRepository({
      root,
      settings: engineSettings(config),
      ...(parseWorkers === undefined || parseWorkers === 0 ? {} : { parseWorkers }),
      commits,
      budget,
      tune: options.tune === true,
      ...(embeddings === undefined ? {} : { embeddings }),
      signal,
      onProgress: progress.show,
    });
  } finally {
    progress.clear();
    await embeddings?.close();
  }
  const { stored, says } = await applyTuning(root, report);
  const recall = report.measures.find(({ measure }) => measure === 'recall@10')!.ranking.mean;
  const isBelow = minRecall !== null && recall < minRecall;
  if (common.json === true) {
    terminal.out(`${JSON.stringify({ ...report, measures: named(report), minRecall, passed: !isBelow, stored })}\n`);
  } else {
    const lines = scoreLines(report, terminal.outStyle);
    if (says !== null) lines.push(says);
    terminal.out(`${lines.join('\n')}\n`);
  }
  if (!isBelow) return exitCodes.ok;
  terminal.note(terminal.noteStyle.red(`recall@10 is ${recall.toFixed(3)}, below ${minRecall}.`));
  return exitCodes.belowMinimum;
}
