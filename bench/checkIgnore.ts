/**
 * Compares our ignore decisions with git's, path by path, over everything that lies on disk:
 * `npx tsx bench/checkIgnore.ts REPOSITORY…`
 *
 * Two modes: as git decides for people (a tracked file is never ignored), and by the patterns alone (`--no-index`).
 * Only git's layer takes part; .contextkitignore, defaults and settings are ours alone. Exits 1 on any difference.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  decide,
  rulesAtRoot,
  rulesBelow,
  withIgnoreFiles,
  type FolderRules,
} from '../server/indexing/discovery/ignoreRules.ts';
import { noTrackedPaths } from '../server/indexing/discovery/trackedFiles.ts';

export interface IgnoreComparison {
  paths: number;
  ignoredByGit: number;
  /** Paths that only one of the two ignores. */
  differences: { path: string; git: boolean; ours: boolean; rule: string }[];
}

interface WalkedPath {
  /** Relative; folders without a final '/'. */
  path: string;
  isFolder: boolean;
  ignored: boolean;
  rule: string;
}

/** `patternsOnly`: whether a path is tracked plays no part. */
export async function compareWithGit(root: string, patternsOnly: boolean): Promise<IgnoreComparison> {
  const walked: WalkedPath[] = [];
  const rules = await rulesAtRoot({ root, indexDir: null, exclude: [], include: [], layers: 'git' });
  await walk(rules, patternsOnly, walked);
  // With the index in play git also spares folders that hold a tracked file; only files are compared then.
  const compared = walked.filter((entry) => patternsOnly || !entry.isFolder);
  const byGit = askGit(root, patternsOnly, compared);
  return {
    paths: compared.length,
    ignoredByGit: byGit.size,
    differences: compared
      .filter((entry) => byGit.has(entry.path) !== entry.ignored)
      .map((entry) => ({ path: entry.path, git: byGit.has(entry.path), ours: entry.ignored, rule: entry.rule })),
  };
}

async function walk(folder: FolderRules, patternsOnly: boolean, walked: WalkedPath[]): Promise<void> {
  const entries = readdirSync(folder.absolutePath, { withFileTypes: true });
  const has = (name: string): boolean => entries.some((entry) => entry.name === name && entry.isFile());
  const isNested = folder.path !== '' && entries.some((entry) => entry.name === '.git');
  // Git refuses to answer for what lies in another repository.
  if (isNested) return;
  const rules = await withIgnoreFiles(folder, { gitignore: has('.gitignore'), contextkitignore: false, dotGit: false });
  const tracked = patternsOnly ? noTrackedPaths : ((await rules.repository?.tracked()) ?? noTrackedPaths);
  for (const entry of entries) {
    if (entry.name === '.git') continue;
    const isFolder = entry.isDirectory();
    const decision = decide(rules, entry.name, isFolder, tracked);
    walked.push({
      path: rules.path + entry.name,
      isFolder,
      ignored: decision.rule !== null,
      rule: decision.rule === null ? '' : `${decision.rule.source}:${decision.rule.line}: ${decision.rule.pattern}`,
    });
    if (isFolder) await walk(rulesBelow(rules, entry.name, decision), patternsOnly, walked);
  }
}

function askGit(root: string, patternsOnly: boolean, entries: readonly WalkedPath[]): Set<string> {
  const asked = spawnSync('git', ['check-ignore', '-z', '--stdin', ...(patternsOnly ? ['--no-index'] : [])], {
    cwd: root,
    input: entries.map((entry) => `${entry.path}\0`).join(''),
    maxBuffer: 1 << 30,
  });
  // 1: none is ignored.
  if (asked.status !== 0 && asked.status !== 1) throw new Error(`git check-ignore: ${String(asked.stderr)}`);
  return new Set(
    String(asked.stdout)
      .split('\0')
      .filter((name) => name !== ''),
  );
}

async function main(roots: readonly string[]): Promise<number> {
  if (roots.length === 0) {
    console.error('usage: npx tsx bench/checkIgnore.ts REPOSITORY…');
    return 2;
  }
  let differences = 0;
  console.log('repository              mode           paths   ignored  differences');
  for (const root of roots.map((given) => path.resolve(given))) {
    if (!lstatSync(root).isDirectory()) throw new Error(`not a folder: ${root}`);
    for (const patternsOnly of [false, true]) {
      const result = await compareWithGit(root, patternsOnly);
      const columns = [path.basename(root).padEnd(22), (patternsOnly ? 'patterns' : 'with index').padEnd(11)];
      const counts = [result.paths, result.ignoredByGit, result.differences.length].map((n) => String(n).padStart(9));
      console.log(`${columns.join('  ')}${counts.join('')}`);
      for (const each of result.differences.slice(0, 20)) console.log('  ', JSON.stringify(each));
      differences += result.differences.length;
    }
  }
  return differences === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
