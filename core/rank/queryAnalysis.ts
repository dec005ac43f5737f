import { forEachWord, termsOfWord } from '../lexical/splitIdentifier.ts';
import type { FileRole } from '../model.ts';

export interface QueryTerm {
  term: string;
  /** 1 for a term that stands once. */
  weight: number;
}

export interface AnalyzedQuery {
  terms: QueryTerm[];
  /** Names as they may be defined, letter case kept: `parseQuery`, `snake_case`, `Router`, a query of one word. */
  names: string[];
  /** Lower-case paths or file names that stand in the query, e.g. `src/app.ts`, `app.ts`. */
  paths: string[];
  /** Roles the query asks for by name; their prior does not apply. */
  roles: ReadonlySet<FileRole>;
}

/** English function words and the words questions are made of; as identifiers they are too common to help. */
const stopWords = new Set(
  (
    'a an the this that these those it its is are was were be been being am do does did done doing has have had having ' +
    'can could may might must shall should will would of to in on at by for from with without into onto over under about ' +
    'as if then than so such and or but nor not no yes we you i they he she them us our your their my me ' +
    'what which who whom whose where when why how there here also only just very more most some any each other another ' +
    'same own both all one out up down off via per now because while before after between through during again once ' +
    'get gets use uses used using make makes made let lets'
  ).split(' '),
);

/** Past this many distinct terms a query is a document: only its rarest words can matter, and time is bounded. */
const maxTerms = 400;
const maxQueryCharacters = 20_000;

const roleWords: [RegExp, FileRole][] = [
  [/\b(tests?|testing|specs?|unit[- ]tests?|fixtures?)\b/i, 'test'],
  [/\b(docs?|documentation|readme|changelog|guide|tutorial)\b/i, 'docs'],
  [/\b(examples?|samples?|demos?|playground)\b/i, 'example'],
  [/\b(config|configuration file|workflow|ci|package\.json|tsconfig|makefile|dockerfile)\b/i, 'config'],
  [/\bgenerated\b/i, 'generated'],
  [/\b(vendored|third[- ]party)\b/i, 'vendored'],
];

const pathPattern = /[\w@.+-]*(?:[/\\][\w@.+-]+)+|\b[\w-]+\.[A-Za-z][A-Za-z0-9]{0,6}\b/g;

function pathsIn(query: string): string[] {
  const found = query.match(pathPattern) ?? [];
  return [
    ...new Set(
      found.map((path) =>
        path
          .replaceAll('\\', '/')
          .replace(/^\.?\//, '')
          .toLowerCase(),
      ),
    ),
  ].slice(0, 20);
}

const isName = (word: string): boolean => word.length > 2 && /[a-z\d][A-Z]|[^_]_|^[A-Z].*[a-z]/.test(word);

/** A sentence may begin with a capital letter: an English word that no definition has does no harm. */
function namesIn(query: string): string[] {
  const words = [...new Set(query.match(/[A-Za-z_$][\w$]*/g) ?? [])];
  const isSole = words.length === 1 && words[0] === query.trim();
  return words.filter((word) => isSole || isName(word)).slice(0, maxTerms);
}

/** Of a text of several lines, e.g. a commit message, the first one: what it is about; the others mention much. */
function subjectOf(query: string): string {
  return query.trimStart().split('\n', 1)[0]!;
}

function countTerms(query: string): Map<string, number> {
  const counts = new Map<string, number>();
  forEachWord(query, 0, query.length, (start, end) => {
    for (const term of termsOfWord(query.slice(start, end))) counts.set(term, (counts.get(term) ?? 0) + 1);
  });
  return counts;
}

/** What a query asks for. Repeated terms weigh more, by the logarithm of their count. */
export function analyzeQuery(query: string): AnalyzedQuery {
  const text = query.slice(0, maxQueryCharacters);
  const counts = countTerms(text);
  const content = [...counts].filter(([term]) => !stopWords.has(term));
  const chosen = (content.length > 0 ? content : [...counts]).slice(0, maxTerms);
  return {
    terms: chosen.map(([term, count]) => ({ term, weight: 1 + Math.log(count) / 2 })),
    names: namesIn(text),
    paths: pathsIn(text),
    roles: new Set(roleWords.filter(([words]) => words.test(subjectOf(text))).map(([, role]) => role)),
  };
}
