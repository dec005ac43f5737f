import type { Stats } from 'node:fs';
import { readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../core/errors.ts';
import type { SkipReason } from '../../../core/model.ts';
import type { FileStamp, SkippedRecord } from '../../store/types.ts';
import type { ReadGitIgnoreConfig } from './gitIgnoreConfig.ts';
import { isFileSystemError } from './gitRepository.ts';
import {
  decide,
  formatRule,
  isOtherWorktree,
  rulesAtRoot,
  rulesBelow,
  withIgnoreFiles,
  type Decision,
  type FolderRules,
} from './ignoreRules.ts';
import { kindOf, listFolder, stampOf, statEntries, statEntry, type FolderEntry } from './listFolder.ts';
import { skipByPath } from '../../../core/roles/skipByPath.ts';
import { describeSystemError, tooLargeDetail } from './skipDetail.ts';
import type { TrackedPaths } from './trackedFiles.ts';

export interface DiscoveredFile extends FileStamp {
  /** Relative to the root, '/' between parts. */
  path: string;
}

export interface DiscoveryBatch {
  files: DiscoveredFile[];
  /** An ignored folder is one record whose path ends in '/'; what lies below it is not listed. */
  skipped: SkippedRecord[];
}

export interface DiscoveryOptions {
  /** Absolute path of the workspace folder. */
  root: string;
  /** Absolute path of the folder that holds the index; never walked. */
  indexDir: string;
  settings: {
    exclude: readonly string[];
    include: readonly string[];
    /** Larger files are skipped. */
    maxFileKb: number;
  };
  signal?: AbortSignal;
  /** 'git': nothing but git's rules, to compare with git itself. Default 'all'. */
  layers?: 'all' | 'git';
  /** In place of asking git anew: for several paths that are looked at together. */
  readGitConfig?: ReadGitIgnoreConfig;
}

/** Folders visited at once, and files of one folder asked for their stamp at once. */
const foldersAtOnce = 32;
const statsAtOnce = 256;

const noStamp: FileStamp = { size: 0, mtimeMs: 0, inode: 0 };

interface FolderToVisit {
  /** Its own ignore files are not read yet. */
  rules: FolderRules;
  /** The rules of the folder around it; null for the folder that the walk starts at. */
  around: FolderRules | null;
  broughtBack: boolean;
}

interface Visit extends DiscoveryBatch {
  folders: FolderToVisit[];
  /** Ignored by git unless tracked: decided when the rest is done, since git may take longer than the walk. */
  deferred: { rules: FolderRules; entries: FolderEntry[] } | null;
}

/**
 * Lists what is to be indexed, and what is not and why, level by level and by name within a folder: the same tree
 * gives the same order. Files that git tracks although they are ignored, and the ignored entries, come last.
 * With `below` (relative, '/') only what lies in that folder.
 * Throws root_unreadable for a root that cannot be listed, and the signal's reason when it is aborted.
 */
export async function* discoverFiles(
  options: DiscoveryOptions & { below?: string },
): AsyncGenerator<DiscoveryBatch, void, undefined> {
  const { settings, signal } = options;
  const start = await startAt(options);
  if (start.kind !== 'folder') return;
  let level: FolderToVisit[] = [start.folder];
  let deferred: NonNullable<Visit['deferred']>[] = [];
  while (level.length > 0 || deferred.length > 0) {
    const next: FolderToVisit[] = [];
    const later: typeof deferred = [];
    const work: (() => Promise<Visit>)[] =
      level.length > 0
        ? level.map((folder) => () => visitFolder(folder, settings.maxFileKb))
        : deferred.map((group) => () => visitDeferred(group, settings.maxFileKb));
    for (let i = 0; i < work.length; i += foldersAtOnce) {
      signal?.throwIfAborted();
      const visits = await Promise.all(work.slice(i, i + foldersAtOnce).map((visit) => visit()));
      signal?.throwIfAborted();
      for (const visit of visits) {
        for (const folder of visit.folders) next.push(folder);
        if (visit.deferred !== null) later.push(visit.deferred);
      }
      const files = visits.flatMap((visit) => visit.files);
      const skipped = visits.flatMap((visit) => visit.skipped);
      if (files.length > 0 || skipped.length > 0) yield { files, skipped };
    }
    deferred = level.length > 0 ? [...deferred, ...later] : later;
    level = next;
  }
}

export type PathInspection =
  | { kind: 'file'; file: DiscoveredFile }
  | { kind: 'skipped'; record: SkippedRecord }
  /** A folder that is walked; list it with `discoverFiles({ below })`. */
  | { kind: 'folder' }
  | { kind: 'missing' };

/** What discovery says of one path (relative, '/'), as it is on disk now: for saved files, and for `why`. */
export async function inspectPath(options: DiscoveryOptions, relativePath: string): Promise<PathInspection> {
  const target = relativePath.replace(/\/+$/, '');
  if (target === '') return { kind: 'folder' };
  const slash = target.lastIndexOf('/');
  const start = await startAt({ ...options, ...(slash === -1 ? {} : { below: target.slice(0, slash) }) });
  if (start.kind === 'out') {
    const { rule } = start;
    if ((await statOrNull(path.join(start.root, ...target.split('/')))) === null) return { kind: 'missing' };
    return { kind: 'skipped', record: { path: target, ...rule, ...noStamp } };
  }
  if (start.kind === 'missing') return { kind: 'missing' };
  const { rules } = start.folder;
  const own = await withIgnoreFiles(rules, await marksOf(rules.absolutePath));
  const name = target.slice(slash + 1);
  const stats = await statOrNull(path.join(own.absolutePath, name));
  if (stats === null) return { kind: 'missing' };
  const entry: FolderEntry = { name, kind: kindOf(stats), nameIsText: true };
  const { maxFileKb } = options.settings;
  let visit = await visitEntries(own, [entry], null, maxFileKb, true);
  if (visit.deferred !== null)
    visit = await visitEntries(own, [entry], await own.repository!.tracked(), maxFileKb, true);
  if (visit.files[0] !== undefined) return { kind: 'file', file: visit.files[0] };
  if (visit.skipped[0] !== undefined) return { kind: 'skipped', record: visit.skipped[0] };
  return { kind: 'folder' };
}

type Start =
  | { kind: 'folder'; folder: FolderToVisit }
  | { kind: 'missing' }
  | { kind: 'out'; root: string; rule: { reason: SkipReason; detail: string } };

/** The rules at the root, or at the folder `below` it, each folder on the way decided like in a walk. */
async function startAt(options: DiscoveryOptions & { below?: string }): Promise<Start> {
  const { signal, settings, layers, readGitConfig, below } = options;
  const root = await openRoot(options.root);
  let rules = await rulesAtRoot({
    root,
    indexDir: await realIndexDir(options.root, root, options.indexDir),
    exclude: settings.exclude,
    include: settings.include,
    ...(layers === undefined ? {} : { layers }),
    ...(readGitConfig === undefined ? {} : { readGitConfig }),
    ...(signal === undefined ? {} : { signal }),
  });
  let around: FolderRules | null = null;
  let broughtBack = false;
  for (const part of (below ?? '').split('/').filter((name) => name !== '')) {
    around = await withIgnoreFiles(rules, await marksOf(rules.absolutePath));
    const stats = await statOrNull(path.join(around.absolutePath, part));
    if (stats === null) return { kind: 'missing' };
    if (!stats.isDirectory()) {
      return {
        kind: 'out',
        root,
        rule: {
          reason: 'not_a_file',
          detail: `${around.path}${part} is ${stats.isSymbolicLink() ? 'a symbolic link' : 'not a folder'}`,
        },
      };
    }
    let decision = decide(around, part, true, null);
    if (decision.unlessTracked) decision = decide(around, part, true, (await around.repository?.tracked()) ?? null);
    if (decision.rule !== null && !decision.enter) {
      return { kind: 'out', root, rule: { reason: 'ignored', detail: formatRule(decision.rule) } };
    }
    rules = rulesBelow(around, part, decision);
    broughtBack = decision.broughtBack;
  }
  return { kind: 'folder', folder: { rules, around, broughtBack } };
}

/** The real path of the root, so that the repository around it is found where it really lies. */
async function openRoot(root: string): Promise<string> {
  try {
    const real = await realpath(root);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    throw rootError(root, error);
  }
  throw new AppError('root_unreadable', `this is not a folder: ${root}`, { hint: 'Give the folder to index.' });
}

function rootError(root: string, error: unknown): unknown {
  if (!isFileSystemError(error)) return error;
  const missing = error.code === 'ENOENT';
  const message = missing
    ? `there is no such folder: ${root}`
    : `the folder cannot be read: ${root} (${String(error.code)})`;
  const hint = missing
    ? 'Check the spelling, or give another folder with --root.'
    : 'Check its permissions, or give another folder with --root.';
  return new AppError('root_unreadable', message, { hint, cause: error });
}

/** The index folder seen from the real root; it need not exist yet. */
async function realIndexDir(root: string, realRoot: string, indexDir: string): Promise<string> {
  const relative = path.relative(root, indexDir);
  if (relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..') {
    return path.join(realRoot, relative);
  }
  return orElse(realpath(indexDir), indexDir);
}

async function orElse<T, E>(asked: Promise<T>, otherwise: E): Promise<T | E> {
  try {
    return await asked;
  } catch (error) {
    if (isFileSystemError(error)) return otherwise;
    throw error;
  }
}

const statOrNull = (file: string): Promise<Awaited<ReturnType<typeof statEntry>> | null> =>
  orElse(statEntry(file), null);

async function marksOf(folder: string): Promise<{ gitignore: boolean; contextkitignore: boolean; dotGit: boolean }> {
  const [gitignore, contextkitignore, dotGit] = await Promise.all(
    ['.gitignore', '.contextkitignore', '.git'].map((name) => statOrNull(path.join(folder, name))),
  );
  return {
    gitignore: gitignore?.isFile() === true,
    contextkitignore: contextkitignore?.isFile() === true,
    dotGit: dotGit !== null,
  };
}

const emptyVisit = (): Visit => ({ files: [], skipped: [], folders: [], deferred: null });

async function visitFolder({ rules, around, broughtBack }: FolderToVisit, maxFileKb: number): Promise<Visit> {
  const visit = emptyVisit();
  let entries: FolderEntry[];
  try {
    entries = await listFolder(rules.absolutePath);
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    if (rules.path === '') throw rootError(rules.run.options.root, error);
    visit.skipped.push(record(rules.path, 'unreadable', describeSystemError(error)));
    return visit;
  }
  const has = (name: string): boolean => entries.some((entry) => entry.name === name && entry.kind === 'file');
  const own = await withIgnoreFiles(rules, {
    gitignore: has('.gitignore'),
    contextkitignore: has('.contextkitignore'),
    dotGit: entries.some((entry) => entry.name === '.git'),
  });
  if (around !== null && !broughtBack && rules.run.options.layers !== 'git' && isOtherWorktree(own, around)) {
    visit.skipped.push(record(rules.path, 'ignored', 'built in: another worktree of the same repository'));
    return visit;
  }
  return visitEntries(own, entries, null, maxFileKb, false);
}

async function visitDeferred({ rules, entries }: NonNullable<Visit['deferred']>, maxFileKb: number): Promise<Visit> {
  const tracked = await rules.repository!.tracked();
  return visitEntries(rules, entries, tracked, maxFileKb, false);
}

/** Sorts the entries of one folder into files, skipped paths, folders to visit, and what git must be asked about. */
async function visitEntries(
  rules: FolderRules,
  entries: readonly FolderEntry[],
  tracked: TrackedPaths | null,
  maxFileKb: number,
  reportInherited: boolean,
): Promise<Visit> {
  const visit = emptyVisit();
  const files: string[] = [];
  const links: string[] = [];
  const deferred: FolderEntry[] = [];
  for (const entry of entries) {
    const isFolder = entry.kind === 'folder';
    const shown = rules.path + entry.name + (isFolder ? '/' : '');
    const decision = decide(rules, entry.name, isFolder, tracked);
    if (decision.unlessTracked) deferred.push(entry);
    else if (!entry.nameIsText) visit.skipped.push(record(shown, 'bad_name', 'the name is not valid UTF-8'));
    else {
      if (decision.rule !== null && (reportInherited || !decision.inherited)) {
        visit.skipped.push(record(shown, 'ignored', formatRule(decision.rule)));
      }
      if (isFolder && decision.enter) visit.folders.push(folderBelow(rules, entry.name, decision));
      if (isFolder || decision.rule !== null) continue;
      if (entry.kind === 'file') files.push(entry.name);
      else if (entry.kind === 'link') links.push(entry.name);
      else visit.skipped.push(record(shown, 'not_a_file', `a ${entry.kind}`));
    }
  }
  if (deferred.length > 0) {
    visit.deferred = { rules, entries: deferred };
    // Asked now, awaited when the walk is done.
    void rules.repository!.tracked();
  }
  for (let i = 0; i < files.length; i += statsAtOnce) {
    const names = files.slice(i, i + statsAtOnce);
    const found = await statEntries(rules.absolutePath, names);
    names.forEach((name, at) => addFile(visit, rules.path + name, found[at]!, maxFileKb));
  }
  for (const name of links) visit.skipped.push(await linkRecord(rules, name));
  return visit;
}

const folderBelow = (rules: FolderRules, name: string, decision: Decision): FolderToVisit => ({
  rules: rulesBelow(rules, name, decision),
  around: rules,
  broughtBack: decision.broughtBack,
});

const record = (entryPath: string, reason: SkipReason, detail: string, stamp: FileStamp = noStamp): SkippedRecord => ({
  path: entryPath,
  reason,
  detail,
  ...stamp,
});

function addFile(visit: Visit, filePath: string, found: Stats | NodeJS.ErrnoException, maxFileKb: number): void {
  if (found instanceof Error) {
    visit.skipped.push(record(filePath, 'unreadable', describeSystemError(found)));
    return;
  }
  const stamp = stampOf(found);
  const byPath = skipByPath(filePath);
  if (byPath !== null) visit.skipped.push(record(filePath, byPath.reason, byPath.detail, stamp));
  else if (stamp.size > maxFileKb * 1024) {
    visit.skipped.push(record(filePath, 'too_large', tooLargeDetail(stamp.size, maxFileKb), stamp));
  } else visit.files.push({ path: filePath, ...stamp });
}

/** A link is never followed: what it leads to inside the workspace is found where it is. */
async function linkRecord(rules: FolderRules, name: string): Promise<SkippedRecord> {
  const link = path.join(rules.absolutePath, name);
  const target = await orElse(readlink(link), '?');
  return record(rules.path + name, 'not_a_file', `${await describeTarget(rules, link)} ${target}`);
}

async function describeTarget(rules: FolderRules, link: string): Promise<string> {
  try {
    const real = await realpath(link);
    const { root } = rules.run.options;
    const inside = real === root || real.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
    const kind = (await stat(real)).isDirectory() ? 'symbolic link to the folder' : 'symbolic link to';
    return inside ? kind : `${kind.replace('link', 'link out of the workspace')}`;
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    if (error.code === 'ELOOP') return 'symbolic link loop:';
    return error.code === 'ENOENT' ? 'broken symbolic link to' : `symbolic link (${String(error.code)}) to`;
  }
}
