import type { SkippedRecord } from '../store/types.ts';
import type { Store } from '../store/index.ts';
import { discoverFiles, inspectPath, type DiscoveredFile } from './discovery/discover.ts';
import { askedOnce } from './discovery/gitIgnoreConfig.ts';
import type { ParseRequest } from './parseProtocol.ts';
import type { ParsePool } from './parsePool.ts';

export interface UpdateOptions {
  root: string;
  indexDir: string;
  settings: { maxFileKb: number; exclude: string[]; include: string[] };
  store: Store;
  pool: ParsePool;
  paths: readonly string[];
  signal: AbortSignal | undefined;
}

export type UpdateOutcome =
  | { kind: 'done'; indexed: string[]; removed: string[]; skipped: SkippedRecord[] }
  /** The rules themselves changed, or more than is worth looking at one by one. */
  | { kind: 'rescan' };

const ruleFiles = /(^|\/)(\.gitignore|\.contextkitignore)$|(^|\/)\.git\/info\/exclude$/;
/** From here on a walk over everything costs less than asking path by path. */
const manyPaths = 500;

interface Findings {
  files: Map<string, DiscoveredFile>;
  gone: Set<string>;
  skipped: SkippedRecord[];
}

/** What is indexed at or below a path that is a file no more. */
function indexedBelow(known: readonly string[], path: string): string[] {
  return known.filter((each) => each === path || each.startsWith(`${path}/`));
}

async function inspect(options: UpdateOptions, known: readonly string[]): Promise<Findings> {
  const { root, indexDir, settings, signal } = options;
  const base = { root, indexDir, settings, readGitConfig: askedOnce(), ...(signal === undefined ? {} : { signal }) };
  const findings: Findings = { files: new Map(), gone: new Set(), skipped: [] };
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
      for (const each of indexedBelow(known, path)) if (!now.has(each)) findings.gone.add(each);
    } else {
      for (const each of indexedBelow(known, path)) findings.gone.add(each);
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
  const known = await store.paths();
  const { files, gone, skipped } = await inspect(options, known);
  const requests: ParseRequest[] = [];
  for (const { path, size, mtimeMs, inode } of files.values()) {
    const before = await store.stampOf(path);
    if (before !== null && before.size === size && before.mtimeMs === mtimeMs && before.inode === inode) continue;
    requests.push({ path, stamp: { size, mtimeMs, inode }, knownHash: before?.hash ?? null });
  }
  const outcomes = requests.length > 0 ? await pool.parse(requests) : [];
  signal?.throwIfAborted();
  const analyzed = outcomes.flatMap((outcome) => (outcome.kind === 'analyzed' ? [outcome.file] : []));
  for (const outcome of outcomes) {
    if (outcome.kind !== 'skipped') continue;
    skipped.push(outcome.record);
    gone.add(outcome.record.path);
  }
  const removed = [...gone].filter((path) => known.includes(path));
  await store.applyUpdate({
    put: analyzed,
    touch: outcomes.flatMap((outcome) => (outcome.kind === 'same' ? [{ path: outcome.path, ...outcome.stamp }] : [])),
    remove: removed,
    skip: skipped,
    unskip: [...files.keys(), ...gone].filter((path) => !skipped.some((record) => record.path === path)),
  });
  return { kind: 'done', indexed: analyzed.map((file) => file.path), removed, skipped };
}
