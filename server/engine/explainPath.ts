import { AppError } from '../../core/errors.ts';
import { skipReasonNames } from '../../core/model.ts';
import { inspectPath } from '../indexing/discovery/discover.ts';
import { readSource } from '../indexing/discovery/readSource.ts';
import { toOsPath, toWorkspacePath } from '../indexing/discovery/workspacePath.ts';
import type { WeightsFor } from './rankingWeights.ts';
import type { Store, StoredFile } from '../store/index.ts';
import type { VectorKeeper } from './vectorKeeper.ts';
import type { SourceReader } from './sourceReader.ts';
import type { EngineSettings, SkippedFile, WhyReport } from './types.ts';

export interface WhyParts {
  root: string;
  indexDir: string;
  settings: EngineSettings;
  store: Store;
  reader: SourceReader;
  vectors: VectorKeeper;
  weights: WeightsFor;
}

/** How deep a ranking is searched for the path. */
const depth = 1_000;

const nothing: Omit<WhyReport, 'path' | 'summary'> = {
  indexed: false,
  skipped: null,
  language: null,
  role: null,
  chunkedBy: null,
  syntaxErrors: false,
  stale: false,
  chunks: [],
  symbols: [],
  ranking: null,
};

function skippedReport(path: string, { reason, detail }: SkippedFile): WhyReport {
  const folder = path.endsWith('/') ? 'folder' : 'path';
  return {
    ...nothing,
    path,
    skipped: { path, reason, detail },
    summary: `This ${folder} is not indexed: ${skipReasonNames[reason]} (${detail}).`,
  };
}

async function rankingOf({ vectors, weights }: WhyParts, path: string, query: string): Promise<WhyReport['ranking']> {
  const request = { limit: depth, sources: [], explain: true, weights };
  const { ranked } = await vectors.search(query, request);
  const at = ranked.findIndex((range) => range.path === path);
  if (at < 0) return { rank: null, of: ranked.length, score: 0, parts: [] };
  const files = new Set(ranked.slice(0, at).map((range) => range.path));
  return {
    rank: files.size + 1,
    of: new Set(ranked.map((range) => range.path)).size,
    score: ranked[at]!.score,
    parts: ranked[at]!.parts ?? [],
  };
}

async function indexedReport(parts: WhyParts, file: StoredFile, query: string | undefined): Promise<WhyReport> {
  const source = await parts.reader.read(file);
  const stale = source === null || source.fresh !== null;
  const ranking = query === undefined ? null : await rankingOf(parts, file.path, query);
  const ranges = `${file.chunks.length} ${file.chunks.length === 1 ? 'chunk' : 'chunks'}`;
  const age = stale ? ' It has changed since; answers take it as it is on disk.' : '';
  return {
    path: file.path,
    indexed: true,
    summary: `Indexed as ${file.language} ${file.role}, ${ranges} by ${file.chunkedBy}.${age}`,
    skipped: null,
    language: file.language,
    role: file.role,
    chunkedBy: file.chunkedBy,
    syntaxErrors: file.syntaxErrors,
    stale,
    chunks: file.chunks.map(({ startLine, endLine, tokens, scope }) => ({ startLine, endLine, tokens, scope })),
    symbols: file.symbols,
    ranking,
  };
}

/** Why a path is, or is not, among the answers: the rule and its line, how it was chunked, its rank for a query. */
export async function explainPath(parts: WhyParts, asked: string, query: string | undefined): Promise<WhyReport> {
  const { root, indexDir, settings, store } = parts;
  const path = toWorkspacePath(root, asked);
  if (path === null) {
    throw new AppError('invalid_input', `the path lies outside the workspace folder: ${asked}`, {
      hint: `Give a path inside ${root}.`,
    });
  }
  const [file] = await store.filesInfo([path]);
  if (file !== undefined) return indexedReport(parts, file, query);
  const skipped = (await store.skippedFiles()).find((record) => record.path === path);
  if (skipped !== undefined) return skippedReport(path, skipped);
  const found = await inspectPath({ root, indexDir, settings }, path);
  switch (found.kind) {
    case 'skipped':
      return skippedReport(path, found.record);
    case 'missing':
      throw new AppError('not_found', `there is no such file: ${asked}`, {
        hint: 'Check the spelling; paths are relative to the workspace folder.',
      });
    case 'folder': {
      const prefix = path === '' ? '' : `${path}/`;
      const inside = (await store.paths()).filter((each) => each.startsWith(prefix)).length;
      return {
        ...nothing,
        path,
        indexed: inside > 0,
        summary: `This is a folder with ${inside} indexed ${inside === 1 ? 'file' : 'files'}.`,
      };
    }
    case 'file': {
      // What no rule keeps out may still be refused for what it holds.
      const source = readSource(toOsPath(root, path), found.file, settings);
      return source.kind === 'skip'
        ? skippedReport(path, { path, reason: source.reason, detail: source.detail })
        : { ...nothing, path, summary: 'This file is not indexed yet: run `contextkit index`.' };
    }
  }
}
