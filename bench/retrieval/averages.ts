import type { Corpus, Question } from './dataset.ts';
import type { Result } from './score.ts';

export interface Scored {
  corpus: Corpus;
  question: Question;
  results: Result[];
  measures: Record<string, number>;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean over repositories of the mean over their questions, per variant and measure. */
export function macroAverages(scored: readonly Scored[]): Record<string, Record<string, number>> {
  const variants = new Map<string, Map<string, Scored[]>>();
  const add = (variant: string, each: Scored): void => {
    const repositories = variants.get(variant) ?? new Map<string, Scored[]>();
    variants.set(variant, repositories);
    repositories.set(each.corpus.repository, [...(repositories.get(each.corpus.repository) ?? []), each]);
  };
  for (const each of scored) {
    add(each.question.variant, each);
    if (each.question.variant.startsWith('questions:')) add('questions', each);
  }
  const result: Record<string, Record<string, number>> = {};
  for (const [variant, repositories] of [...variants].sort()) {
    const names = Object.keys([...repositories.values()][0]![0]!.measures);
    result[variant] = Object.fromEntries(
      names.map((name) => [
        name,
        mean([...repositories.values()].map((all) => mean(all.map((each) => each.measures[name]!)))),
      ]),
    );
  }
  return result;
}
