import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lineCosts, scoreFiles, scoreRanges, type Gold, type LineCosts, type Result } from './score.ts';

/** One question with the measure that its benchmark applies. */
export interface Question {
  id: string;
  text: string;
  /** The column it counts for: A-full, A-nl, B, or questions. */
  variant: string;
  score: (results: readonly Result[]) => Record<string, number>;
}

/** A directory to index and what is asked of it. */
export interface Corpus {
  repository: string;
  /** Unique; also the name of the harness's run file. */
  name: string;
  root: string;
  questions: Question[];
}

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
const readJsonLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T);

interface ChangeQuestion {
  id: string;
  repo: string;
  snapshot: number;
  full: string;
  nl: string | null;
  gold: Gold[];
}
interface DescriptionQuestion {
  id: string;
  repo: string;
  snapshot: number;
  query: string;
  gold: Gold[];
}

/** Commit messages and doc comments: a folder with repos.json, taskA.jsonl, taskB.jsonl, and its snapshots. */
export function loadChangeCorpora(data: string, snap: string): Corpus[] {
  const corpora = new Map<string, Corpus & { costs: LineCosts }>();
  const at = (repository: string, task: string, snapshot: number) => {
    const name = `${repository}-${task}${snapshot}`;
    const root = path.join(snap, repository, `${task}${snapshot}`);
    const corpus = corpora.get(name) ?? { repository, name, root, questions: [], costs: lineCosts(root) };
    corpora.set(name, corpus);
    return corpus;
  };
  for (const { id, repo, snapshot, full, nl, gold } of readJsonLines<ChangeQuestion>(path.join(data, 'taskA.jsonl'))) {
    const { questions, costs } = at(repo, 'A', snapshot);
    const score = (results: readonly Result[]) => scoreRanges(results, gold, costs);
    questions.push({ id: `${id}:full`, text: full, variant: 'A-full', score });
    if (nl) questions.push({ id: `${id}:nl`, text: nl, variant: 'A-nl', score });
  }
  for (const { id, repo, snapshot, query, gold } of readJsonLines<DescriptionQuestion>(
    path.join(data, 'taskB.jsonl'),
  )) {
    const { questions, costs } = at(repo, 'B', snapshot);
    questions.push({ id, text: query, variant: 'B', score: (results) => scoreRanges(results, gold, costs) });
  }
  return [...corpora.values()].filter(({ root }) => existsSync(`${root}.ok`));
}

interface Snapshot {
  name: string;
  benchmark_root?: string | null;
  status: string;
}
interface Annotation {
  query: string;
  category?: string;
  relevant: (string | { path: string })[];
  secondary?: (string | { path: string })[];
}

/** Short questions: a folder with snapshots.json, split.json and annotations/, and its snapshots. */
export function loadQuestionCorpora(data: string, snap: string): Corpus[] {
  const dev = new Set(readJson<{ dev: string[] }>(path.join(data, 'split.json')).dev);
  const corpora: Corpus[] = [];
  for (const { name, benchmark_root: inside, status } of readJson<Snapshot[]>(path.join(data, 'snapshots.json'))) {
    const root = path.join(snap, name, inside ?? '');
    if (status === 'skipped' || !dev.has(name) || !existsSync(root)) continue;
    const costs = lineCosts(root);
    const questions = readJson<Annotation[]>(path.join(data, 'annotations', `${name}.json`)).map(
      (each, i): Question => {
        const targets = [...each.relevant, ...(each.secondary ?? [])].map((target) =>
          typeof target === 'string' ? target : target.path,
        );
        const category = each.category ?? 'semantic';
        return {
          id: `${name}#${String(i).padStart(3, '0')}`,
          text: each.query,
          variant: `questions:${category}`,
          score: (results) => scoreFiles(results, targets, costs),
        };
      },
    );
    corpora.push({ repository: name, name, root, questions });
  }
  return corpora;
}
