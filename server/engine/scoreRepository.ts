import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { estimate, estimateDifference, type Estimate } from '../../core/history/bootstrap.ts';
import { KeywordSearch } from '../../core/history/keywordSearch.ts';
import {
  costsOfText,
  measure,
  measureNames,
  type Gold,
  type MeasureName,
  type Measures,
} from '../../core/history/measures.ts';
import { leaveOutReasons, type LeaveOutReason } from '../../core/history/mineCommit.ts';
import {
  bestOf,
  combinations,
  objective,
  prove,
  singleChanges,
  type Proof,
  type Tried,
} from '../../core/history/tuneWeights.ts';
import { withOverrides, type RankingOverrides } from '../../core/rank/tunableWeights.ts';
import { byWords, weightsInForce, type RankedBy, type WeightsVersion } from '../../core/rank/tunedWeights.ts';
import { defaultWeights } from '../../core/rank/weights.ts';
import { readChangedRanges } from '../history/changedRanges.ts';
import { mineRepository, type MinedQuestion, type MinedRepository } from '../history/mineRepository.ts';
import { openPastTree, type PastTree } from '../history/pastTree.ts';
import { defaultSettings, openEngine } from './openEngine.ts';
import { weightsVersion } from './rankingWeights.ts';
import { withTemporaryFolder } from './temporaryFolder.ts';
import { createPastHistory, type PastHistory } from './pastHistory.ts';
import type { Engine, EngineSettings, VectorStatus } from './types.ts';
import type { Embeddings } from './embeddings.ts';

export interface ScoreOptions {
  /** Absolute path of the workspace folder; nothing in it is touched. */
  root: string;
  settings?: Partial<EngineSettings>;
  parseWorkers?: number;
  /** Ask at most so many commits, the newest; default 150. */
  commits?: number;
  /** Tokens for the range measure; default 4,000. */
  budget?: number;
  /** Look for better weights as well. */
  tune?: boolean;
  /** Embeds each state of the past and ranks by meaning, too; rejects when there is no model. */
  embeddings?: Embeddings;
  /** Other weights to ask the same questions with: for benchmarks. */
  variants?: RankingOverrides[];
  signal?: AbortSignal;
  onProgress?: (progress: ScoreProgress) => void;
}

export interface ScoreProgress {
  phase: 'reading' | 'indexing' | 'embedding' | 'asking' | 'tuning';
  done: number;
  total: number;
  /** Null while it cannot be said honestly. */
  etaSeconds: number | null;
}

export interface ScoreRow {
  measure: MeasureName;
  keyword: Estimate;
  ranking: Estimate;
  /** Of the ranking over keyword search, question by question. */
  difference: Estimate;
}

export interface Tuning {
  /** Changed weights; empty when no change helped. */
  ranking: RankingOverrides;
  fittedOn: number;
  provenOn: number;
  /** Null when no change helped on the questions that were fitted on. */
  proof: Proof | null;
}

/** What the answers were ranked by, which tuned weights are for. */
export interface Fitted extends WeightsVersion {
  rankedBy: RankedBy;
  /** Name of the model; null for words alone. */
  model: string | null;
}

export interface ScoreReport {
  head: string;
  shallow: boolean;
  budget: number;
  commits: {
    read: number;
    used: number;
    /** Most frequent first. */
    leftOut: { reason: LeaveOutReason; says: string; commits: number }[];
  };
  measures: ScoreRow[];
  tuning: Tuning | null;
  fitted: Fitted;
  /** Of each variant that was asked for, with the difference to the ranking as it is. */
  variants: { ranking: RankingOverrides; measures: Record<MeasureName, { value: Estimate; difference: Estimate }> }[];
  durationMs: number;
}

/** Fewer questions say nothing. */
export const leastQuestions = 10;
/** Each half of a tuning needs so many. */
export const leastForTuning = 30;
const depth = 200;

interface AskedQuestion {
  question: MinedQuestion;
  gold: Gold[];
}

/** What is asked of the index while it stands at a question's parent. */
type Visit = (asked: AskedQuestion, at: PastIndex) => Promise<void>;

/** An index that walks through the past of a repository. */
class PastIndex {
  readonly keyword = new KeywordSearch();
  #costs = new Map<string, readonly number[] | undefined>();
  #indexed = new Set<string>();
  #started = false;

  constructor(
    readonly engine: Engine,
    private readonly tree: PastTree,
    private readonly history: PastHistory,
    private readonly folder: string,
    /** Hears of chunks that get their vectors; null where no embedding is wanted. */
    private readonly onEmbedding: ((status: VectorStatus) => void) | null,
  ) {}

  /** Everything as it was at a commit. */
  async moveTo(commit: string, signal: AbortSignal | undefined): Promise<void> {
    const changed = await this.tree.moveTo(commit);
    this.history.moveTo(commit);
    const options = signal === undefined ? {} : { signal };
    if (!this.#started) await this.engine.index(options);
    else if (changed.length > 0) await this.engine.update(changed, options);
    if (this.onEmbedding !== null)
      await this.engine.embed({ ...options, onProgress: this.#started ? () => undefined : this.onEmbedding });
    this.#started = true;
    await this.engine.refreshHistory();
    this.#indexed = new Set(await this.engine.paths());
    this.#costs = new Map([...this.#costs].filter(([file]) => !changed.includes(file)));
    for (const file of changed) {
      if (this.#indexed.has(file)) this.keyword.put(file, this.#read(file));
      else this.keyword.remove(file);
    }
  }

  has(file: string): boolean {
    return this.#indexed.has(file);
  }

  #read(file: string): string {
    return readFileSync(path.join(this.folder, ...file.split('/')), 'utf8');
  }

  readonly costs = (file: string): readonly number[] | undefined => {
    if (!this.#indexed.has(file)) return undefined;
    let costs = this.#costs.get(file);
    if (costs === undefined) {
      costs = costsOfText(this.#read(file));
      this.#costs.set(file, costs);
    }
    return costs;
  };
}

/** Lines that the commit changed in each of its gold files. */
async function readGold(
  root: string,
  { id, parent, gold, files }: MinedQuestion,
  signal?: AbortSignal,
): Promise<Gold[]> {
  const found: Gold[] = [];
  for (const file of gold) {
    const renamed = files.find(({ status, from }) => status === 'R' && from === file);
    const paths = renamed === undefined ? [file] : [file, renamed.path];
    const ranges = await readChangedRanges(root, { parent, id, paths }, signal);
    if (ranges.length > 0) found.push({ path: file, ranges });
  }
  return found;
}

function checkOptions({ commits = 150, budget = 4_000, tune = false }: ScoreOptions): {
  commits: number;
  budget: number;
} {
  const least = tune ? 2 * leastForTuning : leastQuestions;
  if (!Number.isInteger(commits) || commits < least || commits > 2_000) {
    throw new AppError('invalid_input', `${commits} commits are out of range`, {
      hint: `Use a whole number from ${least} to 2000${tune ? ': both halves of a tuning need enough' : ''}.`,
    });
  }
  if (!Number.isInteger(budget) || budget < 500 || budget > 100_000) {
    throw new AppError('invalid_input', `a budget of ${budget} tokens is out of range`, {
      hint: 'Use a whole number from 500 to 100000.',
    });
  }
  return { commits, budget };
}

/** Time left, by the time that the steps so far took. */
function createProgress(tell: ScoreOptions['onProgress'], total: number) {
  let done = 0;
  let started: number | undefined;
  return {
    step(phase: ScoreProgress['phase']): void {
      // The first step holds the indexing of everything: it says nothing of the others.
      started ??= performance.now();
      const each = done > 5 ? (performance.now() - started) / done : null;
      tell?.({ phase, done, total, etaSeconds: each === null ? null : Math.ceil((each * (total - done)) / 1000) });
      done++;
    },
  };
}

/**
 * Scores the ranking on a repository's own past: each commit message is asked in the state right before the commit, and
 * the right answer is what the commit changed. Plain keyword search over the same files is asked the same.
 * Only git objects are read, in a temporary folder; the work tree, index and refs stay as they are.
 */
export async function scoreRepository(options: ScoreOptions): Promise<ScoreReport> {
  const { root, signal, tune = false, onProgress } = options;
  const started = performance.now();
  const { commits, budget } = checkOptions(options);
  try {
    onProgress?.({ phase: 'reading', done: 0, total: 0, etaSeconds: null });
    const mined = await mineRepository(root, commits, tune ? 2 * leastForTuning : leastQuestions, signal);
    onProgress?.({ phase: 'indexing', done: 0, total: mined.questions.length, etaSeconds: null });
    return await withTemporaryFolder('score', async (folder) => {
      const result = await walkThePast(options, mined, folder, budget);
      const { head, shallow, read, leftOut } = mined;
      return {
        head,
        shallow,
        budget,
        commits: {
          read,
          used: result.used,
          leftOut: [...leftOut]
            .map(([reason, count]) => ({ reason, says: leaveOutReasons[reason], commits: count }))
            .sort((a, b) => b.commits - a.commits),
        },
        measures: result.measures,
        tuning: result.tuning,
        fitted: result.fitted,
        variants: result.variants,
        durationMs: Math.round(performance.now() - started),
      };
    });
  } catch (error) {
    if (signal?.aborted === true) throw new AppError('cancelled', 'scoring was cancelled', { cause: error });
    throw error;
  }
}

async function walkThePast(
  { root, settings = {}, parseWorkers, tune = false, embeddings, variants = [], signal, onProgress }: ScoreOptions,
  mined: MinedRepository,
  folder: string,
  budget: number,
) {
  const files = path.join(folder, 'files');
  mkdirSync(files);
  const used = { ...defaultSettings, ...settings };
  const history = createPastHistory(mined.log, mined.parents);
  const tree = openPastTree({
    folder: root,
    prefix: mined.prefix,
    target: files,
    maxBytes: used.maxFileKb * 1024,
    signal,
  });
  const engine = await openEngine({
    root: files,
    indexDir: path.join(folder, 'index'),
    access: 'write',
    settings: used,
    history,
    ...(embeddings === undefined ? {} : { embeddings }),
    ...(parseWorkers === undefined ? {} : { parseWorkers }),
  });
  const tellEmbedding = ({ embedded, chunks, etaSeconds }: VectorStatus): void =>
    onProgress?.({ phase: 'embedding', done: embedded, total: chunks, etaSeconds });
  try {
    const index = new PastIndex(engine, tree, history, files, embeddings === undefined ? null : tellEmbedding);
    const progress = createProgress(onProgress, mined.questions.length * (tune ? 2 : 1));
    const asked: AskedQuestion[] = [];
    const golds = new Map<MinedQuestion, Gold[]>();
    const walk = async (questions: readonly MinedQuestion[], phase: ScoreProgress['phase'], visit: Visit) => {
      for (const question of questions) {
        signal?.throwIfAborted();
        progress.step(phase);
        await index.moveTo(question.parent, signal);
        const gold =
          golds.get(question) ?? (await readGold(root, question, signal)).filter(({ path: file }) => index.has(file));
        golds.set(question, gold);
        if (gold.length > 0) await visit({ question, gold }, index);
      }
    };
    const fitted = await whatRanks(embeddings);
    const { rows, singles } = await askAll(walk, mined.questions, asked, {
      budget,
      tune,
      variants,
      ranking: weightsInForce(used.ranking, fitted.rankedBy, weightsVersion),
      signal,
    });
    const unindexed = mined.questions.length - asked.length;
    if (unindexed > 0) mined.leftOut.set('notIndexed', unindexed);
    if (asked.length < leastQuestions) {
      throw new AppError(
        'history_missing',
        `of ${mined.questions.length} commits only ${asked.length} changed files that are indexed`,
        {
          hint: 'Check `include` and `exclude` in config.yaml.',
        },
      );
    }
    const tuning = tune ? await tuneOn(walk, asked, rows.ranking, singles, { budget, signal }) : null;
    return { used: asked.length, measures: toRows(rows), tuning, fitted, variants: toVariants(variants, rows) };
  } finally {
    tree.close();
    await engine.close();
  }
}

async function whatRanks(embeddings: Embeddings | undefined): Promise<Fitted> {
  const model = (await embeddings?.parts())?.model;
  return { rankedBy: model?.fingerprint ?? byWords, model: model?.spec.id ?? null, ...weightsVersion };
}

type Walk = (questions: readonly MinedQuestion[], phase: ScoreProgress['phase'], visit: Visit) => Promise<void>;

interface Rows {
  keyword: Measures[];
  ranking: Measures[];
  /** One list a variant. */
  variants: Measures[][];
}

const toRows = ({ keyword, ranking }: Rows): ScoreRow[] =>
  measureNames.map((name) => {
    const column = (rows: readonly Measures[]): number[] => rows.map((row) => row[name]);
    return {
      measure: name,
      keyword: estimate(column(keyword)),
      ranking: estimate(column(ranking)),
      difference: estimateDifference(column(ranking), column(keyword)),
    };
  });

function toVariants(variants: readonly RankingOverrides[], rows: Rows): ScoreReport['variants'] {
  return variants.map((ranking, i) => {
    const measured = measureNames.map((name) => {
      const [values, before] = [rows.variants[i]!, rows.ranking].map((all) => all.map((row) => row[name]));
      return [name, { value: estimate(values!), difference: estimateDifference(values!, before!) }] as const;
    });
    return { ranking, measures: Object.fromEntries(measured) as ScoreReport['variants'][number]['measures'] };
  });
}

/** Questions are split in turns, so that both halves come from the same times. */
const isFitted = (number: number): boolean => number % 2 === 0;

async function askOnce(
  { question, gold }: AskedQuestion,
  { engine, costs }: PastIndex,
  budget: number,
  ranking: RankingOverrides,
): Promise<Measures> {
  return measure(await engine.rank(question.text, { limit: depth, ranking }), gold, costs, budget);
}

/** Forward through the past: both rankings on every question, and on the half to fit on each weight changed alone. */
async function askAll(
  walk: Walk,
  questions: readonly MinedQuestion[],
  asked: AskedQuestion[],
  {
    budget,
    tune,
    variants,
    ranking,
    signal,
  }: {
    budget: number;
    tune: boolean;
    variants: readonly RankingOverrides[];
    ranking: RankingOverrides;
    signal: AbortSignal | undefined;
  },
): Promise<{ rows: Rows; singles: Tried[] }> {
  const rows: Rows = { keyword: [], ranking: [], variants: variants.map(() => []) };
  const singles: Tried[] = tune
    ? singleChanges(withOverrides(defaultWeights, ranking)).map((overrides) => ({ overrides, values: [] }))
    : [];
  await walk(questions, tune ? 'tuning' : 'asking', async (question, index) => {
    const number = asked.push(question) - 1;
    const { text } = question.question;
    rows.keyword.push(measure(index.keyword.search(text, depth), question.gold, index.costs, budget));
    rows.ranking.push(await askOnce(question, index, budget, {}));
    for (const [i, overrides] of variants.entries())
      rows.variants[i]!.push(await askOnce(question, index, budget, overrides));
    if (!isFitted(number)) return;
    for (const { overrides, values } of singles) {
      signal?.throwIfAborted();
      values.push(objective(await askOnce(question, index, budget, overrides)));
    }
  });
  return { rows, singles };
}

/** Back through the past: combinations are chosen by the one half and proved on the other. */
async function tuneOn(
  walk: Walk,
  asked: readonly AskedQuestion[],
  ranking: readonly Measures[],
  singles: readonly Tried[],
  { budget, signal }: { budget: number; signal: AbortSignal | undefined },
): Promise<Tuning> {
  const values = ranking.map(objective);
  const fitted = values.filter((_, number) => isFitted(number));
  const held = values.filter((_, number) => !isFitted(number));
  const counts = { fittedOn: fitted.length, provenOn: held.length };
  const tried = combinations(fitted, singles).map((overrides) => ({
    fit: { overrides, values: [] as number[] },
    proof: [] as number[],
  }));
  if (tried.length === 0) return { ranking: {}, ...counts, proof: null };
  const numbers = new Map(asked.map(({ question }, number) => [question, number]));
  const backwards = asked.map(({ question }) => question).reverse();
  await walk(backwards, 'tuning', async (question, index) => {
    const fits = isFitted(numbers.get(question.question)!);
    for (const { fit, proof } of tried) {
      signal?.throwIfAborted();
      (fits ? fit.values : proof).push(objective(await askOnce(question, index, budget, fit.overrides)));
    }
  });
  // Visited from the newest on: back into the order of the questions.
  for (const { fit, proof } of tried) {
    fit.values.reverse();
    proof.reverse();
  }
  const best = bestOf(
    fitted,
    tried.map(({ fit }) => fit),
  );
  if (best === undefined) return { ranking: {}, ...counts, proof: null };
  const { proof } = tried.find(({ fit }) => fit === best)!;
  return { ranking: best.overrides, ...counts, proof: prove(held, proof) };
}
