/**
 * Decides which paths are kept out of the index. Later layers win over earlier ones:
 *
 * 1. folders of dependencies and caches that nobody means to search (`defaultPatterns`),
 * 2. git's own rules, exactly as git has them: the user's excludes file, info/exclude, .gitignore files;
 *    a file that git tracks is in, whatever the patterns say,
 * 3. `.contextkitignore` files (same syntax), whose `!` patterns also reach into folders that are ignored,
 * 4. the setting `exclude`, then the setting `include`.
 *
 * The folders of version control and the index itself are out for good.
 *
 * Where this departs from git's syntax: in layers 3 and 4 a `!` pattern may bring back a path below an ignored folder,
 * if it stands later than the pattern that ignores the folder. Such a folder is entered only if some `!` pattern could
 * match below it, and a folder of layer 1 only for a pattern with a slash: `!*.md` is not meant for node_modules.
 */
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { readGitIgnoreConfig, type GitIgnoreConfig, type ReadGitIgnoreConfig } from './gitIgnoreConfig.ts';
import { isFileSystemError, repositoryAround, repositoryAt, type GitRepository } from './gitRepository.ts';
import {
  compilePatterns,
  couldMatchBelow,
  lastMatch,
  parseIgnoreFile,
  toByteText,
  type IgnorePattern,
  type IgnoreRule,
  type PatternList,
  type PatternMatch,
} from './ignorePatterns.ts';
import { readTrackedIgnored, type TrackedPaths } from './trackedFiles.ts';

export { formatRule, type IgnoreRule } from './ignorePatterns.ts';

/** Dependencies, environments and caches: large, not written by the project, and never a good answer. */
export const defaultPatterns: readonly string[] = [
  'node_modules/',
  'bower_components/',
  'jspm_packages/',
  '**/.yarn/cache/',
  '.pnpm-store/',
  '.venv/',
  '__pycache__/',
  '.tox/',
  '.nox/',
  '.mypy_cache/',
  '.pytest_cache/',
  '.ruff_cache/',
  '.ipynb_checkpoints/',
  '.gradle/',
  '.next/',
  '.nuxt/',
  '.svelte-kit/',
  '.turbo/',
  '.parcel-cache/',
  '.terraform/',
  '.bundle/',
  '.dart_tool/',
  '.stack-work/',
  '.DS_Store',
];

const alwaysSkipped = new Set(['.git', '.hg', '.svn', '.contextkit']);

export interface IgnoreOptions {
  /** Absolute path of the workspace folder. */
  root: string;
  /** Absolute path of the folder that holds the index, null if it does not matter. */
  indexDir: string | null;
  /** Gitignore patterns of the settings. */
  exclude: readonly string[];
  include: readonly string[];
  /** 'git': git's rules alone, to compare with git itself. */
  layers?: 'all' | 'git';
  /** In place of asking git anew. */
  readGitConfig?: ReadGitIgnoreConfig;
  signal?: AbortSignal;
}

interface Chain {
  list: PatternList;
  next: Chain | null;
}

/** What holds for the whole run. */
interface RunRules {
  options: IgnoreOptions;
  defaults: PatternList;
  exclude: PatternList;
  include: PatternList;
  /** Letter case of .contextkitignore and settings follows the outermost repository. */
  foldCase: boolean;
  /** Path of the index folder relative to the root, with '/' between; null if it lies elsewhere. */
  indexPath: string | null;
}

interface WalkedRepository {
  git: GitRepository;
  foldCase: boolean;
  tracked: () => Promise<TrackedPaths>;
}

/** The rules that hold for the entries of one folder. Never changed once made. */
export interface FolderRules {
  run: RunRules;
  /** Relative to the root with a final '/', '' for the root. */
  path: string;
  absolutePath: string;
  /** Byte text of the path from the outermost repository's top on; what patterns are matched with. */
  gitText: string;
  /** The same from the root on, for .contextkitignore and settings. */
  ownText: string;
  repository: WalkedRepository | null;
  /** Nearest first. */
  gitChain: Chain | null;
  ownChain: Chain | null;
  /** What ignores the folder itself; its entries are then out unless something brings them back. */
  ignoredBy: PatternMatch | null;
  /** No `include` patterns, or one of them matches this folder or one above. */
  included: boolean;
}

export interface Decision {
  /** What keeps the entry out; null: it is in. */
  rule: IgnoreRule | null;
  /** It is out because its folder is, where that was reported already. */
  inherited: boolean;
  /** Out by git's rules, unless git tracks it: ask `folder.repository.tracked()` and decide again with the answer. */
  unlessTracked: boolean;
  /** For a folder: something below may be in. */
  enter: boolean;
  ignoredBy: PatternMatch | null;
  included: boolean;
  /** A `!` of .contextkitignore or `exclude` matched the entry itself. */
  broughtBack: boolean;
}

/** Ignore files that a listing of a folder showed; asked for so that no file is opened in vain. */
export interface FolderMarks {
  gitignore: boolean;
  contextkitignore: boolean;
  dotGit: boolean;
}

const rankOfGit = 0;
const rankOfExclude = Number.MAX_SAFE_INTEGER;
const notInIncluded: IgnoreRule = { source: 'setting include', line: 0, pattern: 'no pattern matches' };

/** The rules at the workspace folder, its own ignore files not yet read (see `withIgnoreFiles`). */
export async function rulesAtRoot(options: IgnoreOptions): Promise<FolderRules> {
  const git = repositoryAround(options.root);
  const config = await (options.readGitConfig ?? readGitIgnoreConfig)(options.root, git);
  const run = makeRunRules(options, config.ignoreCase);
  const prefix = git === null ? '' : toSlashes(path.relative(git.top, options.root));
  const text = prefix === '' ? '' : `${prefix}/`;
  return {
    run,
    path: '',
    absolutePath: options.root,
    gitText: toByteText(text, config.ignoreCase),
    ownText: '',
    repository: git === null ? null : walkedRepository(git, config, options.root, '', options.signal),
    gitChain: await chainAbove(run, git, config, prefix),
    ownChain: null,
    ignoredBy: null,
    included: options.include.length === 0,
  };
}

function makeRunRules(options: IgnoreOptions, foldCase: boolean): RunRules {
  const all = options.layers !== 'git';
  const settings = (texts: readonly string[], source: string): IgnorePattern[] =>
    compilePatterns(all ? texts : [], source, foldCase);
  const relative = options.indexDir === null ? '' : path.relative(options.root, options.indexDir);
  const inside = relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..';
  return {
    options,
    foldCase,
    defaults: list(settings(defaultPatterns, 'built in'), 0, rankOfGit),
    exclude: list(settings(options.exclude, 'setting exclude'), 0, rankOfExclude),
    include: list(settings(options.include, 'setting include'), 0, rankOfExclude),
    indexPath: inside ? toSlashes(relative) : null,
  };
}

const list = (patterns: IgnorePattern[], baseLength: number, rank: number): PatternList => ({
  patterns,
  baseLength,
  rank,
});

const toSlashes = (file: string): string => (path.sep === '/' ? file : file.split(path.sep).join('/'));

function walkedRepository(
  git: GitRepository,
  config: GitIgnoreConfig,
  folder: string,
  prefix: string,
  signal: AbortSignal | undefined,
): WalkedRepository {
  let asked: Promise<TrackedPaths> | undefined;
  const tracked = (): Promise<TrackedPaths> => (asked ??= readTrackedIgnored(folder, prefix, signal));
  return { git, foldCase: config.ignoreCase, tracked };
}

/** Everything git reads before the first .gitignore, weakest first: defaults of ours, excludes file, info/exclude. */
async function baseChain(
  run: RunRules,
  git: GitRepository | null,
  config: GitIgnoreConfig,
  baseLength: number,
): Promise<{ userChain: Chain | null; chain: Chain | null }> {
  const add = async (file: string | null, next: Chain | null): Promise<Chain | null> =>
    file === null ? next : chainFile(file, displayPath(run, file), baseLength, rankOfGit, config.ignoreCase, next);
  const defaults = run.defaults.patterns.length === 0 ? null : { list: run.defaults, next: null };
  const userChain = await add(config.excludesFile, defaults);
  const chain = await add(git === null ? null : path.join(git.commonDir, 'info', 'exclude'), userChain);
  return { userChain, chain };
}

/** Reads the .gitignore files from the repository's top down to the folder above the root. */
async function chainAbove(
  run: RunRules,
  git: GitRepository | null,
  config: GitIgnoreConfig,
  prefix: string,
): Promise<Chain | null> {
  const base = await baseChain(run, git, config, 0);
  if (git === null || prefix === '') return base.chain;
  let chain = base.chain;
  let text = '';
  for (const part of prefix.split('/')) {
    const folder = path.join(git.top, ...text.split('/').filter((name) => name !== ''));
    chain = await chainGitignore(run, folder, text, config.ignoreCase, chain);
    const nameAt = text.length;
    text += toByteText(part, config.ignoreCase);
    const match = lastMatchInChain(chain, text, nameAt, true);
    // A folder that its repository ignores and that was opened all the same is wanted: what lies outside has no say.
    if (match !== null && !match.pattern.negated) return base.userChain;
    text += '/';
  }
  return chain;
}

async function chainGitignore(
  run: RunRules,
  folder: string,
  text: string,
  foldCase: boolean,
  next: Chain | null,
): Promise<Chain | null> {
  const file = path.join(folder, '.gitignore');
  const stats = await orNull(lstat(file));
  // Git does not follow a .gitignore that is a symbolic link.
  if (stats === null || !stats.isFile()) return next;
  return chainFile(file, displayPath(run, file), text.length, rankOfGit, foldCase, next);
}

async function chainFile(
  file: string,
  source: string,
  baseLength: number,
  rank: number,
  foldCase: boolean,
  next: Chain | null,
): Promise<Chain | null> {
  const content = await orNull(readFile(file));
  const patterns = content === null ? [] : parseIgnoreFile(content, source, foldCase);
  return patterns.length === 0 ? next : { list: list(patterns, baseLength, rank), next };
}

/** An ignore file that is gone, closed to us or a folder has no rules, as for git. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isFileSystemError(error)) return null;
    throw error;
  }
}

/** Relative to the root for files below it (or a few levels up), absolute otherwise. */
function displayPath(run: RunRules, file: string): string {
  const relative = toSlashes(path.relative(run.options.root, file));
  const away = path.isAbsolute(relative) || relative.startsWith('../../../');
  return away ? toSlashes(file) : relative;
}

/** Adds the folder's own ignore files; where it is the top of a repository of its own, that one's rules take over. */
export async function withIgnoreFiles(folder: FolderRules, marks: FolderMarks): Promise<FolderRules> {
  const rules = marks.dotGit && folder.path !== '' ? await inOwnRepository(folder) : folder;
  const { run } = rules;
  const foldCase = rules.repository?.foldCase ?? run.foldCase;
  const file = (name: string): string => path.join(rules.absolutePath, name);
  return {
    ...rules,
    gitChain: marks.gitignore
      ? await chainFile(
          file('.gitignore'),
          `${rules.path}.gitignore`,
          rules.gitText.length,
          rankOfGit,
          foldCase,
          rules.gitChain,
        )
      : rules.gitChain,
    ownChain:
      marks.contextkitignore && run.options.layers !== 'git'
        ? await chainFile(
            file('.contextkitignore'),
            `${rules.path}.contextkitignore`,
            rules.ownText.length,
            1 + rules.ownText.length,
            run.foldCase,
            rules.ownChain,
          )
        : rules.ownChain,
  };
}

/** A submodule or a clone inside the workspace: the rules of the repository around it end here, as for git. */
async function inOwnRepository(folder: FolderRules): Promise<FolderRules> {
  const git = repositoryAt(folder.absolutePath);
  if (git === null) return folder;
  const { run } = folder;
  const config = await readGitIgnoreConfig(folder.absolutePath, git);
  const { chain } = await baseChain(run, git, config, folder.gitText.length);
  return {
    ...folder,
    repository: walkedRepository(git, config, folder.absolutePath, folder.path, run.options.signal),
    gitChain: chain,
  };
}

/** The main work tree or a linked one that `folder` is a second checkout of, if the walk is inside one of them. */
export function isOtherWorktree(folder: FolderRules, around: FolderRules): boolean {
  const inner = folder.repository?.git;
  const outer = around.repository?.git;
  return inner !== undefined && outer !== undefined && inner.top !== outer.top && inner.commonDir === outer.commonDir;
}

/** The rules of a folder that `decide` said to enter, its ignore files not yet read. */
export function rulesBelow(parent: FolderRules, name: string, decision: Decision): FolderRules {
  return {
    ...parent,
    path: `${parent.path}${name}/`,
    absolutePath: path.join(parent.absolutePath, name),
    gitText: `${parent.gitText}${toByteText(name, parent.repository?.foldCase ?? parent.run.foldCase)}/`,
    ownText: `${parent.ownText}${toByteText(name, parent.run.foldCase)}/`,
    ignoredBy: decision.ignoredBy,
    included: decision.included,
  };
}

/** Is the entry `name` of `folder` in the index? `tracked` is what git said, null while it was not asked. */
export function decide(
  folder: FolderRules,
  name: string,
  isDirectory: boolean,
  tracked: TrackedPaths | null,
): Decision {
  const { run } = folder;
  const entryPath = folder.path + name;
  const forGood = run.options.layers === 'git' ? null : outForGood(run, entryPath, name, isDirectory);
  if (forGood !== null) return out(forGood);

  const ownText = folder.ownText + toByteText(name, run.foldCase);
  const own = ownMatch(folder, ownText, isDirectory);
  const byGit = gitMatch(folder, name, isDirectory);
  const isTracked = byGit !== null && isGitRule(byGit, run) && tracked?.files.has(entryPath) === true;
  const ignoredBy = combine(isTracked ? null : byGit, own);
  if (ignoredBy === null) return include(folder, ownText, isDirectory, own?.pattern.negated === true);

  const fromGit = isGitRule(ignoredBy, run) && folder.repository !== null;
  const holdsTracked = fromGit && isDirectory && tracked?.folders.has(`${entryPath}/`) === true;
  return {
    rule: ignoredBy.pattern.rule,
    inherited: ignoredBy === folder.ignoredBy,
    unlessTracked: fromGit && tracked === null,
    enter: isDirectory && (holdsTracked || mayBringBackBelow(folder, ownText, ignoredBy)),
    ignoredBy,
    included: folder.included,
    broughtBack: false,
  };
}

const out = (rule: IgnoreRule): Decision => ({
  rule,
  inherited: false,
  unlessTracked: false,
  enter: false,
  ignoredBy: null,
  included: false,
  broughtBack: false,
});

function outForGood(run: RunRules, entryPath: string, name: string, isDirectory: boolean): IgnoreRule | null {
  if (alwaysSkipped.has(name)) return { source: 'built in', line: 0, pattern: isDirectory ? `${name}/` : name };
  if (entryPath === run.indexPath) return { source: 'index folder', line: 0, pattern: entryPath };
  return null;
}

/** What ignores the entry by git's rules (defaults included) or by its folder's state; null if nothing does. */
function gitMatch(folder: FolderRules, name: string, isDirectory: boolean): PatternMatch | null {
  if (folder.ignoredBy !== null) return folder.ignoredBy;
  const text = folder.gitText + toByteText(name, folder.repository?.foldCase ?? folder.run.foldCase);
  const match = lastMatchInChain(folder.gitChain, text, folder.gitText.length, isDirectory);
  return match === null || match.pattern.negated ? null : match;
}

function ownMatch(folder: FolderRules, ownText: string, isDirectory: boolean): PatternMatch | null {
  const nameAt = folder.ownText.length;
  return (
    lastMatch(folder.run.exclude, ownText, nameAt, isDirectory) ??
    lastMatchInChain(folder.ownChain, ownText, nameAt, isDirectory)
  );
}

function lastMatchInChain(
  chain: Chain | null,
  text: string,
  nameAt: number,
  isDirectory: boolean,
): PatternMatch | null {
  for (let at = chain; at !== null; at = at.next) {
    const match = lastMatch(at.list, text, nameAt, isDirectory);
    if (match !== null) return match;
  }
  return null;
}

const isGitRule = (match: PatternMatch, run: RunRules): boolean =>
  match.list.rank === rankOfGit && match.list !== run.defaults;

function combine(ignoredBy: PatternMatch | null, own: PatternMatch | null): PatternMatch | null {
  if (own === null) return ignoredBy;
  if (!own.pattern.negated) return ignoredBy ?? own;
  return ignoredBy !== null && outranks(own.list, own.pattern, ignoredBy) ? null : ignoredBy;
}

const outranks = (list: PatternList, pattern: IgnorePattern, other: PatternMatch): boolean =>
  list.rank === other.list.rank ? pattern.index > other.pattern.index : list.rank > other.list.rank;

/** Some later `!` pattern of ours could match below the ignored folder. */
function mayBringBackBelow(folder: FolderRules, ownText: string, ignoredBy: PatternMatch): boolean {
  const below = `${ownText}/`;
  let isDefault: boolean | undefined;
  const opens = (list: PatternList, pattern: IgnorePattern): boolean => {
    if (!pattern.negated || !outranks(list, pattern, ignoredBy) || !couldMatchBelow(pattern, list, below)) return false;
    if (!pattern.nameOnly) return true;
    isDefault ??= lastMatch(folder.run.defaults, ownText, folder.ownText.length, true) !== null;
    return !isDefault;
  };
  const { exclude } = folder.run;
  if (exclude.patterns.some((pattern) => opens(exclude, pattern))) return true;
  for (let at = folder.ownChain; at !== null; at = at.next) {
    const { list } = at;
    if (list.patterns.some((pattern) => opens(list, pattern))) return true;
  }
  return false;
}

const plainFile: Decision = { ...out(notInIncluded), rule: null, included: true };
const plainFolder: Decision = { ...plainFile, enter: true };

/** The last word: the setting `include`. */
function include(folder: FolderRules, ownText: string, isDirectory: boolean, broughtBack: boolean): Decision {
  const list = folder.run.include;
  if (list.patterns.length === 0 && !broughtBack) return isDirectory ? plainFolder : plainFile;
  const inside: Decision = { ...out(notInIncluded), rule: null, enter: isDirectory, included: true, broughtBack };
  if (list.patterns.length === 0) return inside;
  const match = lastMatch(list, ownText, folder.ownText.length, isDirectory);
  if (match?.pattern.negated === true) return out(match.pattern.rule);
  if (match !== null || folder.included) return inside;
  const below = `${ownText}/`;
  const leadsOn =
    isDirectory && list.patterns.some((pattern) => !pattern.negated && couldMatchBelow(pattern, list, below));
  return leadsOn ? { ...inside, included: false } : out(notInIncluded);
}
