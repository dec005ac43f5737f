import { forEachWord, termsOfText, termsOfWord } from '../lexical/splitIdentifier.ts';
import { stem } from '../lexical/stem.ts';
import type { FileRole } from '../model.ts';
import type { RankingWeights } from './weights.ts';

export interface QueryTerm {
  term: string;
  /** 1 for a term that stands once. */
  weight: number;
}

/** A file that the query names: `src/app.ts`, `app.ts:12`, `/home/me/project/src/app.ts`. */
export interface QueryPlace {
  /** Lower case, '/' between parts. */
  path: string;
  line?: number;
}

export interface AnalyzedQuery {
  terms: QueryTerm[];
  /** Neighbouring words joined, as an identifier may have them: `renderhooks`, `render_hooks`. */
  pairs: string[];
  /** Names as they may be defined, letter case kept: `parseQuery`, `snake_case`, `Router`, a query of one word. */
  names: string[];
  /** Paths and file names that stand in the query, in order: of a stack trace its innermost frames are first. */
  places: QueryPlace[];
  /** Stems of the words before the colon of a change message: a package, folder or feature. */
  scope: ReadonlySet<string>;
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

/** Words that say what kind of change is asked for, not where: frequent in messages and questions, rare in code. */
const changeWords = new Set(
  (
    'add adds added avoid avoids bug bump change changes changed chore clean cleanup correct correctly disable enable ' +
    'ensure ensures feat fix fixes fixed fixing handle handles handling implement implements implemented improve improves ' +
    'improved instead introduce issue minor perf prevent prevents problem proper properly refactor remove removes removed ' +
    'removing revert support supports supported supporting tweak update updates updated work works working allow allows allowed'
  ).split(' '),
);

/** A sentence before a colon is none. */
const mostScopeWords = 3;

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

/** Runs of what paths are made of; bounded, so that a megabyte without a space costs no more than its length. */
const pathRun = /[\w@.+/\\-]{2,400}/g;
const isPath = (run: string): boolean =>
  /[\w@.+-][/\\]+[\w@.+-]/.test(run) || /^[\w-]{1,100}\.[A-Za-z][A-Za-z0-9]{0,6}$/.test(run);
/** `src/app.ts:12`, `app.ts(12,5)`, `File "app.py", line 12`: what follows a path. */
const lineAfter = /^(?::|\()(\d{1,7})|^["']?,? (?:on )?line (\d{1,7})/;
const mostPaths = 40;

function placesIn(query: string): QueryPlace[] {
  const places: QueryPlace[] = [];
  for (const match of query.matchAll(pathRun)) {
    const run = match[0].replace(/[.-]+$/, '').replace(/^(?:[.@+-]*[/\\])+|^[.@+-]+(?=\w)/, '');
    if (!isPath(run)) continue;
    const line = lineAfter.exec(query.slice(match.index + match[0].length, match.index + match[0].length + 20));
    // Backslashes may stand doubled, as in JSON.
    const path = run.replace(/[/\\]+/g, '/').toLowerCase();
    places.push({ path, ...(line === null ? {} : { line: Number(line[1] ?? line[2]) }) });
    if (places.length === mostPaths) break;
  }
  return places;
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

/**
 * The part of the code that a change message names before its colon: `fix(router): …` (Conventional Commits),
 * `tpl/css: …`, `net, http: …` (Go, Linux); '' if there is none.
 */
function scopeOf(subject: string): string {
  const prefix = /^\s*([\w./,*& -]{1,60}?)(?:\(([^)]{1,60})\))?!?:\s/.exec(subject);
  if (prefix === null) return '';
  const [, before, inside] = prefix;
  if (inside !== undefined) return inside;
  return before!.trim().split(/\s+/).length <= mostScopeWords ? before! : '';
}

function countTerms(query: string): Map<string, number> {
  const counts = new Map<string, number>();
  forEachWord(query, 0, query.length, (start, end) => {
    for (const term of termsOfWord(query.slice(start, end))) counts.set(term, (counts.get(term) ?? 0) + 1);
  });
  return counts;
}

/** `render hooks` may be `renderHooks` or `render_hooks` in code. */
function pairsIn(text: string): string[] {
  const pairs = new Set<string>();
  let before = '';
  let beforeEnd = 0;
  forEachWord(text, 0, text.length, (start, end) => {
    const word = text.slice(start, end).toLowerCase();
    const joins = /^[a-z]{2,}$/.test(word) && !stopWords.has(word);
    if (joins && before !== '' && /^[ -]$/.test(text.slice(beforeEnd, start)))
      pairs.add(before + word).add(`${before}_${word}`);
    before = joins ? word : '';
    beforeEnd = end;
  });
  return [...pairs].slice(0, maxTerms);
}

/**
 * What a query asks for. Repeated terms weigh more, by the logarithm of their count; in a text of several lines the
 * terms of later ones weigh less, and so do the words that every change message is made of.
 */
export function analyzeQuery(
  query: string,
  { later, change }: Pick<RankingWeights, 'later' | 'change'>,
): AnalyzedQuery {
  const text = query.slice(0, maxQueryCharacters);
  const subject = subjectOf(text);
  const inSubject = countTerms(subject);
  const counts = countTerms(text);
  const content = [...counts].filter(([term]) => !stopWords.has(term));
  const chosen = (content.length > 0 ? content : [...counts]).slice(0, maxTerms);
  const weightOf = (term: string, count: number): number =>
    (1 + Math.log(count) / 2) * (inSubject.has(term) ? 1 : later) * (changeWords.has(term) ? change : 1);
  return {
    terms: chosen.map(([term, count]) => ({ term, weight: weightOf(term, count) })),
    pairs: pairsIn(text),
    names: namesIn(text),
    places: placesIn(text),
    scope: new Set(termsOfText(scopeOf(subject)).map(stem)),
    roles: new Set(roleWords.filter(([words]) => words.test(subject)).map(([, role]) => role)),
  };
}
