import { packFull, type RenderedPack } from '../../core/pack/packFull.ts';
import { packId, partsOf } from '../../core/pack/packParts.ts';
import type { PackCandidate, PackDocument } from '../../core/pack/types.ts';
import { candidateCount, worthReading } from '../../core/rank/worthReading.ts';
import { namesWithin } from '../../core/symbols/namesWithin.ts';
import type { QuestionVector, Store } from '../store/index.ts';
import { thread } from '../system/thread.ts';
import { checkSelect, type CheckedRequest } from './checkSelect.ts';
import { idOfRange, resolveHeld } from './heldLines.ts';
import type { KeptSources } from './keptSources.ts';
import { packMap } from './packMap.ts';
import { digest, type PackStore } from './packStore.ts';
import { scopeAt, type SourceReader } from './sourceReader.ts';
import type { TokenCounter } from '../tokens/tokenCounter.ts';
import type { SelectedChunk, SelectRequest, SelectResult } from './types.ts';
import { findUsed } from './findUsed.ts';
import { byWords } from '../../core/rank/tunedWeights.ts';
import type { WeightsFor } from './rankingWeights.ts';
import type { VectorKeeper } from './vectorKeeper.ts';
import { verifyRanges, type VerifiedRange } from './verifyRanges.ts';

export interface SelectParts {
  /** The weights of this repository for what ranks, with some set anew. */
  weights: WeightsFor;
  store: Store;
  reader: SourceReader;
  kept: KeptSources;
  counter: () => TokenCounter;
  packs: PackStore;
  vectors: VectorKeeper;
  /** True while an index run goes on. */
  partial: () => boolean;
  /** Called with files whose content is no longer what the index knows. */
  onStale: (paths: string[]) => void;
}

interface Selected {
  pack: RenderedPack<PackDocument>;
  chunks: SelectedChunk[];
  stale: string[];
  byMeaning: boolean;
}

function toChunks(
  bodies: readonly PackCandidate[],
  ranges: readonly VerifiedRange[],
  { explain }: CheckedRequest,
): SelectedChunk[] {
  return bodies.map(({ file, startLine, endLine, content, score, tokens }) => {
    const { range, current } = ranges.find(
      (each) => each.range.path === file.path && each.range.startLine <= startLine && each.range.endLine >= startLine,
    )!;
    const chunks = current.source.fresh?.chunks ?? current.stored.chunks;
    return {
      id: idOfRange(file.path, { startLine, endLine }, content),
      path: file.path,
      startLine,
      endLine,
      language: file.language,
      scope: scopeAt(chunks, startLine),
      content,
      score,
      tokens,
      symbols: namesWithin(file.symbols, { startLine, endLine }),
      ...(explain ? { parts: range.parts ?? [] } : {}),
    };
  });
}

async function selectFull(parts: SelectParts, wanted: CheckedRequest): Promise<Selected> {
  const { query, budget, sources, explain, signal } = wanted;
  const asked = { limit: candidateCount(budget), sources: [...sources], explain };
  const { ranked, byMeaning } = wanted.byMeaning
    ? await parts.vectors.search(query, { ...asked, weights: parts.weights }, signal)
    : { ranked: await parts.store.search(query, { ...asked, weights: parts.weights(byWords) }), byMeaning: false };
  signal?.throwIfAborted();
  const read = worthReading(ranked, budget);
  const { ranges, stale } = await verifyRanges(parts, query, read, signal);
  const held = await resolveHeld(parts, parts.packs, wanted);
  signal?.throwIfAborted();
  const pack = await packFull(
    {
      counter: parts.counter(),
      thread,
      ranges,
      held,
      beyond: ranked.length - read.length,
      usedBy: (bodies) => findUsed(parts, bodies, signal),
    },
    wanted,
  );
  return {
    pack,
    chunks: toChunks(pack.bodies, ranges, wanted),
    stale: [...new Set([...stale, ...held.stale])].sort(),
    byMeaning,
  };
}

async function selectMap(parts: SelectParts, wanted: CheckedRequest): Promise<Selected> {
  const ask = async (vector: QuestionVector | null): Promise<Selected> => {
    const { pack, stale } = await packMap(parts, wanted, vector);
    return { pack, chunks: [], stale, byMeaning: vector !== null && parts.vectors.status().embedded > 0 };
  };
  return wanted.byMeaning ? parts.vectors.withQuestion(wanted.query, wanted.signal, ask) : ask(null);
}

/** Remembers what was given: for `pack diff`, `have` and the session. */
function remember({ packs }: SelectParts, wanted: CheckedRequest, pack: RenderedPack<PackDocument>): string {
  const { mode, format, budget, session } = wanted;
  const { document, tokensUsed } = pack;
  const id = packId(document, digest);
  if (document.files.length === 0) return id;
  const parts = partsOf(document, digest);
  packs.save({ id, mode, format, budget, tokensUsed, savedAt: new Date().toISOString(), parts });
  if (session !== undefined) packs.remember(session, parts);
  return id;
}

/** rank → verify on read → pack. The same index, files and request give the same bytes. */
export async function selectContext(parts: SelectParts, request: SelectRequest): Promise<SelectResult> {
  const started = performance.now();
  const wanted = checkSelect(request);
  wanted.signal?.throwIfAborted();
  // Its thread starts while the question is ranked.
  parts.counter();
  const { pack, chunks, stale, byMeaning } = await (wanted.mode === 'map' ? selectMap : selectFull)(parts, wanted);
  wanted.signal?.throwIfAborted();
  if (stale.length > 0) parts.onStale(stale);
  const { document, context, tokensUsed } = pack;
  return {
    context,
    chunks,
    metadata: {
      tokensUsed,
      budget: wanted.budget,
      filesIncluded: document.files.length,
      leftOut: document.leftOut,
      refreshed: stale,
      processingMs: Math.round((performance.now() - started) * 10) / 10,
      partial: parts.partial(),
      byMeaning,
      packId: remember(parts, wanted, pack),
      held: document.mode === 'full' ? document.held.length : 0,
      renewed: document.mode === 'full' ? document.renewed.length : 0,
    },
  };
}
