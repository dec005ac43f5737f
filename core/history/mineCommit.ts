import { termsOfText } from '../lexical/splitIdentifier.ts';
import { fileRole } from '../roles/fileRole.ts';
import { cleanMessage } from './cleanMessage.ts';

/** A changed file as git tells it: A added, M modified, D deleted, R renamed, C copied, T its kind changed. */
export interface FileChange {
  status: 'A' | 'M' | 'D' | 'R' | 'C' | 'T';
  path: string;
  /** Of a renamed or copied file. */
  from?: string;
  /** 100 when the content stayed as it was. */
  similarity?: number;
}

export interface MinedCommit {
  id: string;
  parents: readonly string[];
  author: string;
  /** The whole message. */
  message: string;
  files: readonly FileChange[];
}

/** Why a commit is not asked, in the order of the checks; also the words of the report. */
export const leaveOutReasons = {
  merge: 'merges',
  root: 'first commits, which have no state before them',
  revert: 'reverts',
  release: 'releases and version bumps',
  automatic: 'made by programs',
  short: 'too short or trivial a message',
  noSource: 'no source file changed, only tests, docs and the like',
  manyFiles: 'more than 5 source files changed',
  onlyNew: 'only new or deleted source files',
  onlyRenames: 'only renames',
  repeated: 'the message of a newer commit again',
  notIndexed: 'the changed files are not indexed',
} as const;

export type LeaveOutReason = keyof typeof leaveOutReasons;

/** A commit as a question. */
export interface CommitQuestion {
  id: string;
  /** The state in which it is asked. */
  parent: string;
  text: string;
  /** Source files that it changed, by their paths in the parent state. */
  gold: string[];
}

export type Judgement = { question: CommitQuestion } | { leftOut: LeaveOutReason };

/** More changed source files than this: the message does not describe each of them. */
export const mostGoldFiles = 5;
/** Fewer different words say too little. */
const leastWords = 4;

const conventionalPrefix = /^(?:\w+(?:\([^)]*\))?!?:\s*)/;
/** Merges that were squashed: what they say is where they came from. */
const merge =
  /^merge\s+(?:commit|branch|branches|pull|pr|remote|remote-tracking|tag|from|upstream|#?\d|origin|ma(?:in|ster))\b/i;
const revert = /^(?:revert\b|this reverts commit)/i;
const release =
  /^(?:(?:prepare|cut|tag|publish)\s+(?:for\s+)?(?:the\s+)?(?:next\s+)?(?:release|version)|releas(?:e|ing)\b(?:\s+v?\d|\s+version|\s*$|:)|(?:bump|up(?:grade|date)?)\s+(?:the\s+)?(?:version|dep|to\s+v?\d)|bump\b|version\s+(?:bump|packages|v?\d)|v?\d+\.\d+(?:\.\d+)?\S*(?:\s|$))/i;
const releaseScope = /^(?:chore|build|ci)\((?:release|deps[^)]*)\)/i;
const bot = /\[bot\]|\b(?:dependabot|renovate|greenkeeper|pre-commit-ci|github-actions|weblate|crowdin)\b/i;
const trivial =
  /^(?:wip\b|fixup!|squash!|amend!|(?:fix(?:e[sd])?|correct(?:ed|s)?)\s+(?:(?:a|some|minor|more|few|the)\s+)*(?:typos?|spelling|grammar|lint\w*|format\w*|whitespaces?|style|ci|build|tests?)\b|typos?\b|(?:run|apply|appease)\s+(?:prettier|black|ruff|isort|gofmt|go fmt|rustfmt|cargo fmt|eslint|clippy|lint\w*|format\w*|\w+ fixes)\b|lint\w*\b|format(?:ting|ted)?(?:\s+code)?\s*$|update[sd]?\s+(?:the\s+)?(?:changelog|changes|readme|news|authors|deps|dependenc\w+|lock\s?file|copyright|license|year)\b|changelog\b)/i;

/** Things that are part of a source tree but hold no code. */
const asset =
  /\.(?:png|jpe?g|gif|svg|ico|webp|avif|bmp|woff2?|ttf|otf|eot|pdf|mp[34]|webm|zip|gz|tgz|jar|snap|map|lock|csv|tsv|wasm|po|pot|mo)$/i;

/** A source file by its path alone: no test, documentation, configuration, generated or foreign code. */
export const isSourcePath = (path: string): boolean => !asset.test(path) && fileRole(path, '') === 'source';

function judgeMessage({ message, author }: MinedCommit): LeaveOutReason | null {
  const subject = message.trimStart().split('\n', 1)[0]!.trim();
  const bare = subject.replace(conventionalPrefix, '');
  if (merge.test(subject)) return 'merge';
  if (revert.test(subject) || revert.test(bare) || /^[^\n]*\n\s*this reverts commit /i.test(message.trimStart()))
    return 'revert';
  if (bot.test(author)) return 'automatic';
  if (release.test(subject) || release.test(bare) || releaseScope.test(subject)) return 'release';
  if (trivial.test(subject) || trivial.test(bare)) return 'short';
  return null;
}

/** Turns a commit into a question, or says why it is none. */
export function mineCommit(commit: MinedCommit): Judgement {
  const { id, parents, files } = commit;
  if (parents.length > 1) return { leftOut: 'merge' };
  const [parent] = parents;
  if (parent === undefined) return { leftOut: 'root' };
  const fault = judgeMessage(commit);
  if (fault !== null) return { leftOut: fault };
  const text = cleanMessage(commit.message);
  const words = new Set(termsOfText(text.replace(conventionalPrefix, '')).filter((word) => /\p{L}{2}/u.test(word)));
  if (words.size < leastWords) return { leftOut: 'short' };
  const source = files.filter(({ path }) => isSourcePath(path));
  if (source.length === 0) return { leftOut: 'noSource' };
  const changed = source.filter(({ status, similarity }) => !(status === 'R' && similarity === 100));
  if (changed.length === 0) return { leftOut: 'onlyRenames' };
  if (changed.length > mostGoldFiles) return { leftOut: 'manyFiles' };
  const gold = changed
    .filter(({ status }) => status === 'M' || status === 'R')
    .map(({ path, from }) => from ?? path)
    .filter(isSourcePath);
  if (gold.length === 0) return { leftOut: 'onlyNew' };
  return { question: { id, parent, text, gold } };
}
