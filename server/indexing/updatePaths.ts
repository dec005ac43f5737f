import type { KnownFile, KnownPath, SkippedRecord, StoreUpdate } from '../store/types.ts';
import type { Store } from '../store/index.ts';
import { discoverFiles, inspectPath, type DiscoveredFile } from './discovery/discover.ts';
import type { ReadGitIgnoreConfig } from './discovery/gitIgnoreConfig.ts';
import { createTwinFinder } from './findTwins.ts';
import { sameSkip, sameStamp } from './indexer.ts';
import type { ParseOutcome, ParseRequest } from './parseProtocol.ts';
import type { ParsePool } from './parsePool.ts';

export interface UpdateOptions {
  root: string;
  indexDir: string;
  settings: { maxFileKb: number; exclude: string[]; include: string[] };
  store: Store;
  pool: ParsePool;
  readGitConfig: ReadGitIgnoreConfig;
  paths: readonly string[];
  signal: AbortSignal | undefined;
}

export interface UpdateChanges {
  indexed: string[];
  removed: string[];
  skipped: SkippedRecord[];
  /** Paths whose stamps were asked for. */
  filesLookedAt: number;
  filesRead: number;
  filesParsed: number;
}

export type UpdateOutcome =
  | { kind: 'done'; changes: UpdateChanges }
  /** The rules themselves changed, or more than is worth looking at one by one. */
  | { kind: 'rescan' };

const ruleFiles = /(^|\/)(\.gitignore|\.contextkitignore)$|(^|\/)\.git\/info\/exclude$/;
/** From here on a walk over everything costs less than asking path by path. */
const manyPaths = 500;
/** So few are being worked on and will be saved again; more come from a branch switch or a tool. */
const fewFiles = 16;

interface Findings {
  files: Map<string, DiscoveredFile>;
  gone: Set<string>;
  skipped: SkippedRecord[];
}

/** What is indexed at or below a path that is a file no more. */
function indexedBelow(indexed: readonly string[], path: string): string[] {
  return indexed.filter((each) => each === path || each.startsWith(`${path}/`));
}

async function inspect(options: UpdateOptions): Promise<Findings> {
  const { root, indexDir, settings, store, readGitConfig, signal } = options;
  const base = { root, indexDir, settings, readGitConfig, ...(signal === undefined ? {} : { signal }) };
  const findings: Findings = { files: new Map(), gone: new Set(), skipped: [] };
  // Only what is no file any more needs the list, which is long.
  let listing: Promise<string[]> | undefined;
  const below = async (path: string): Promise<string[]> => indexedBelow(await (listing ??= store.paths()), path);
  for (const path of new Set(options.paths)) {
    signal?.throwIfAborted();
    const found = await inspectPath(base, path);
    if (found.kind === 'file') findings.files.set(path, found.file);
    else if (found.kind === 'folder') {
      const now = new Set<string>();
      for await (const batch of discoverFiles({ ...base, below: path })) {
        for (const file of batch.files) {
          findings.files.set(file.path, file);
          now.add(file.path);
        }
        findings.skipped.push(...batch.skipped);
      }
      for (const each of await below(path)) if (!now.has(each)) findings.gone.add(each);
    } else {
      for (const each of await below(path)) findings.gone.add(each);
      if (found.kind === 'skipped') findings.skipped.push(found.record);
    }
  }
  return findings;
}

/**
 * Brings single paths up to date: files that were saved, created, deleted or renamed, and folders. Ignored paths are
 * left alone. Resolves when everything is searchable.
 */
export async function updatePaths(options: UpdateOptions): Promise<UpdateOutcome> {
  const { store, pool, paths, signal } = options;
  if (paths.length > manyPaths || paths.some((path) => ruleFiles.test(path))) return { kind: 'rescan' };
  const { files, gone, skipped } = await inspect(options);
  const looked = [...new Set([...files.keys(), ...gone, ...skipped.map(({ path }) => path)])];
  const known = new Map((await store.knownPaths(looked)).map((each) => [each.path, each]));
  const requests = await requestsFor(store, [...files.values()], known);
  const outcomes = requests.length > 0 ? await pool.parse(requests, { keepTrees: requests.length <= fewFiles }) : [];
  const copies = await copyTwins(store, pool, outcomes);
  signal?.throwIfAborted();
  const analyzed = outcomes.flatMap((outcome) => (outcome.kind === 'analyzed' ? [outcome.file] : []));
  for (const outcome of outcomes) {
    if (outcome.kind !== 'skipped') continue;
    skipped.push(outcome.record);
    gone.add(outcome.record.path);
  }
  const isIndexed = (path: string): boolean => (known.get(path)?.file ?? null) !== null;
  const wasSkipped = (path: string): SkippedRecord | null => known.get(path)?.skipped ?? null;
  const removed = [...gone].filter(isIndexed);
  const isSkipped = new Set(skipped.map(({ path }) => path));
  await applyChanges(store, {
    put: analyzed,
    touch: outcomes.flatMap((outcome) => (outcome.kind === 'same' ? [{ path: outcome.path, ...outcome.stamp }] : [])),
    remove: removed,
    skip: skipped.filter((record) => {
      const before = wasSkipped(record.path);
      return before === null || !sameSkip(before, record);
    }),
    unskip: [...files.keys(), ...gone].filter((path) => !isSkipped.has(path) && wasSkipped(path) !== null),
  });
  const indexed = [...analyzed.map((file) => file.path), ...copies];
  const filesLookedAt = files.size + gone.size;
  const counts = { filesLookedAt, filesRead: requests.length, filesParsed: analyzed.length };
  return { kind: 'done', changes: { indexed, removed, skipped, ...counts } };
}

/** An editor tells of a save, and its watcher tells again: what changes nothing is no reason to write the index anew. */
async function applyChanges(store: Store, update: StoreUpdate): Promise<void> {
  if (Object.values(update).some((changes: readonly unknown[]) => changes.length > 0)) await store.applyUpdate(update);
}

/** What has to be read: files whose stamp is not the known one. New ones may be copies of files that the index has. */
async function requestsFor(
  store: Store,
  files: readonly DiscoveredFile[],
  known: ReadonlyMap<string, KnownPath>,
): Promise<ParseRequest[]> {
  const stampOf = (path: string): KnownFile | null => known.get(path)?.file ?? null;
  const isNew = files.some(({ path }) => stampOf(path) === null);
  const twinsOf = createTwinFinder(isNew ? await store.knownFiles() : []);
  const requests: ParseRequest[] = [];
  for (const { path, size, mtimeMs, inode } of files) {
    const before = stampOf(path);
    if (before !== null && sameStamp(before, { size, mtimeMs, inode })) continue;
    const twins = before === null ? twinsOf({ path, size, mtimeMs, inode }) : [];
    const request = { path, stamp: { size, mtimeMs, inode }, knownHash: before?.hash ?? null };
    requests.push(twins.length > 0 ? { ...request, twins } : request);
  }
  return requests;
}

/** Gives copies the records of what they are copies of, and returns their paths. Those that miss theirs are parsed. */
async function copyTwins(store: Store, pool: ParsePool, outcomes: ParseOutcome[]): Promise<string[]> {
  const copies = outcomes.flatMap((outcome) => (outcome.kind === 'copy' ? [outcome.copy] : []));
  if (copies.length === 0) return [];
  const missed = await store.copy(copies);
  if (missed.length > 0)
    outcomes.push(
      ...(await pool.parse(
        missed.map(({ path, size, mtimeMs, inode }) => ({ path, stamp: { size, mtimeMs, inode }, knownHash: null })),
      )),
    );
  const paths = new Set(missed.map(({ path }) => path));
  return copies.map(({ path }) => path).filter((path) => !paths.has(path));
}
