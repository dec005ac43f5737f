import type { RenderFormat } from '../../../core/format/render.ts';
import { charactersFor, fillMap } from '../../../core/pack/fillMap.ts';
import { packFull, type RangeInFile } from '../../../core/pack/packFull.ts';
import type { TokenCounting } from '../../../core/tokens/types.ts';
import type { UsedDefinition } from '../../../core/pack/packer.ts';
import type { PackCandidate, PackFile } from '../../../core/pack/types.ts';
import { namedBy, toUsedDefinition, withTokens } from '../../../core/pack/usedDefinitions.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';
import { candidateCount, worthReading } from '../../../core/rank/worthReading.ts';
import { namesWithin } from '../../../core/symbols/namesWithin.ts';
import type { OrgId } from '../../ports/organization.ts';
import { inTurns, type ThreadSharing } from '../../../core/inTurns.ts';
import type { OpenIndex } from './openIndexes.ts';
import type { PackFiles } from './packFiles.ts';

/** What is asked of an index. */
export interface SelectWishes {
  /** Empty for a map of the whole. */
  query: string;
  budget: number;
  mode: 'full' | 'map';
  format: RenderFormat;
  /** With the definitions that the bodies use. */
  includeImports: boolean;
  /** Folders or globs; empty: everything. */
  sources: readonly string[];
  /** Of the question, by the model of the project, of length 1; null: words alone decide. */
  vector: Float32Array | null;
}

export interface SelectedChunk {
  file: string;
  startLine: number;
  endLine: number;
  content: string;
  score: number;
  symbols: string[];
}

export interface Selection {
  context: string;
  /** Best first; none of a map. */
  chunks: SelectedChunk[];
  tokensUsed: number;
  filesIncluded: number;
  /** Ranked ranges, or definitions of a map, that are not shown. */
  leftOut: number;
  /** Files whose texts are not kept any more; their ranges are left out. */
  unreadable: number;
  byMeaning: boolean;
  /** Why vectors that there may be took no part; undefined where all did, or none was asked for. */
  vectorsMissing: 'being_read' | 'unavailable' | undefined;
}

export interface SelectParts {
  files: PackFiles;
  counter: TokenCounting;
  thread: ThreadSharing;
}

const nothingHeld = { unchanged: new Map(), outdated: new Map() };

const missingVectors = ({ vectors }: OpenIndex, { vector }: SelectWishes): Selection['vectorsMissing'] =>
  vector === null || vectors === 'here' ? undefined : vectors;

const toChunk = ({ file, startLine, endLine, content, score }: PackCandidate): SelectedChunk => ({
  file: file.path,
  startLine,
  endLine,
  content,
  score,
  symbols: namesWithin(file.symbols, { startLine, endLine }),
});

/** Files by path, those whose texts are there. */
async function readFiles(
  { files }: SelectParts,
  org: OrgId,
  { revision, index }: OpenIndex,
  paths: Iterable<string>,
): Promise<{ known: Map<string, PackFile>; unreadable: number }> {
  const rows = [...new Set(paths)].map((path) => index.files.get(path)!);
  const read = await files.read(org, revision.projectId, rows);
  const known = new Map<string, PackFile>();
  for (const [i, file] of read.entries()) if (file !== undefined) known.set(rows[i]!.path, file);
  return { known, unreadable: rows.length - known.size };
}

/** What each body calls and names by type. */
async function findUsed(
  parts: SelectParts,
  org: OrgId,
  open: OpenIndex,
  bodies: readonly PackCandidate[],
): Promise<Map<PackCandidate, UsedDefinition[]>> {
  await inTurns(open.index.openGraph(), parts.thread);
  const ranges = bodies.map(({ file, startLine, endLine }) => ({ path: file.path, startLine, endLine }));
  const named = namedBy(bodies, open.index.uses(ranges));
  const { known } = await readFiles(
    parts,
    org,
    open,
    named.flat().map(({ path }) => path),
  );
  const used = new Map<PackCandidate, UsedDefinition[]>();
  for (const [i, symbols] of named.entries()) {
    const definitions = symbols.flatMap((symbol) => {
      const file = known.get(symbol.path);
      return file === undefined ? [] : [toUsedDefinition(symbol, file)];
    });
    used.set(bodies[i]!, await withTokens(parts.counter, definitions));
  }
  return used;
}

async function selectFull(parts: SelectParts, org: OrgId, open: OpenIndex, wishes: SelectWishes): Promise<Selection> {
  const { query, budget, format, includeImports, sources, vector } = wishes;
  const { index } = open;
  const vectorsMissing = missingVectors(open, wishes);
  const limit = candidateCount(budget);
  const ranked = index.search(query, { limit, sources, weights: defaultWeights, vector });
  const read = worthReading(ranked, budget);
  const { known, unreadable } = await readFiles(
    parts,
    org,
    open,
    read.map(({ path }) => path),
  );
  const ranges = read.flatMap((range): RangeInFile[] => {
    const file = known.get(range.path);
    return file === undefined ? [] : [{ range, current: { file } }];
  });
  const pack = await packFull(
    {
      counter: parts.counter,
      thread: parts.thread,
      ranges,
      held: nothingHeld,
      beyond: ranked.length - read.length,
      usedBy: (bodies) => findUsed(parts, org, open, bodies),
    },
    { budget, format, includeImports, limit: Number.MAX_SAFE_INTEGER },
  );
  return {
    context: pack.context,
    chunks: pack.bodies.map(toChunk),
    tokensUsed: pack.tokensUsed,
    filesIncluded: pack.document.files.length,
    leftOut: pack.document.leftOut,
    unreadable,
    byMeaning: vector !== null && index.embedded > 0,
    vectorsMissing,
  };
}

async function selectMap(parts: SelectParts, open: OpenIndex, wishes: SelectWishes): Promise<Selection> {
  const { query, budget, format, sources, vector } = wishes;
  const { index } = open;
  await inTurns(index.openGraph(), parts.thread);
  const vectorsMissing = missingVectors(open, wishes);
  const question = { query, sources, characters: charactersFor(budget), weights: defaultWeights };
  const { files, total } = index.map(question, vector);
  const { document, context, tokensUsed } = await fillMap(
    { files, total, counter: parts.counter, signal: undefined },
    { budget, format },
  );
  return {
    context,
    chunks: [],
    tokensUsed,
    filesIncluded: document.files.length,
    leftOut: document.leftOut,
    unreadable: 0,
    byMeaning: vector !== null && index.embedded > 0,
    vectorsMissing,
  };
}

/** rank → read → pack, as the local engine does it: the same files and the same request give the same bytes. */
export const selectFromIndex = (
  parts: SelectParts,
  org: OrgId,
  open: OpenIndex,
  wishes: SelectWishes,
): Promise<Selection> =>
  wishes.mode === 'map' ? selectMap(parts, open, wishes) : selectFull(parts, org, open, wishes);
