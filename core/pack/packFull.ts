import { joinPieces } from '../format/pieces.ts';
import { renderPieces, type RenderFormat } from '../format/render.ts';
import { inTurns, type ThreadSharing } from '../inTurns.ts';
import type { LineRange } from '../model.ts';
import type { TokenCounting } from '../tokens/types.ts';
import { without } from './lineRanges.ts';
import { tokensOf, tokensOfPieces } from './rangeFacts.ts';
import { Packer, shortened, type UsedDefinition } from './packer.ts';
import type { FullPack, HeldRange, PackCandidate, PackFile } from './types.ts';
import type { RankedChunk } from '../rank/types.ts';

/** What is asked of a pack. */
export interface PackWishes {
  budget: number;
  format: RenderFormat;
  /** At most so many ranges as bodies. */
  limit: number;
  /** With the definitions that the bodies use. */
  includeImports: boolean;
}

/** A ranked range with its file. */
export interface RangeInFile {
  range: RankedChunk;
  current: { file: PackFile };
}

/** What a conversation holds, by path. */
export interface HeldLines {
  /** Lines that still are what the conversation got. */
  unchanged: ReadonlyMap<string, readonly LineRange[]>;
  /** Where lines stood that have changed since. */
  outdated: ReadonlyMap<string, readonly LineRange[]>;
}

export interface RenderedPack<Document> {
  document: Document;
  context: string;
  tokensUsed: number;
}

/** Less than this is left as it is. */
const slackTokens = 24;
const mostRounds = 6;
/** What a pack of one cut range costs next to it. */
const shortenedReserve = 60;

/** What of the ranked ranges the conversation does not hold, and what it does. */
function apartFromHeld(
  ranges: readonly RangeInFile[],
  held: ReadonlyMap<string, readonly LineRange[]>,
): { fresh: RangeInFile[]; heldRanges: HeldRange[] } {
  const fresh: RangeInFile[] = [];
  const heldRanges: HeldRange[] = [];
  for (const { range, current } of ranges) {
    const left = without(range, held.get(range.path) ?? []);
    const isWhole = left.length === 1 && left[0]!.startLine === range.startLine && left[0]!.endLine === range.endLine;
    if (isWhole) fresh.push({ range, current });
    else {
      for (const { startLine, endLine } of without(range, left))
        heldRanges.push({ path: range.path, startLine, endLine });
      for (const { startLine, endLine } of left) fresh.push({ range: { ...range, startLine, endLine }, current });
    }
  }
  return { fresh, heldRanges };
}

async function toCandidates(counter: TokenCounting, ranges: readonly RangeInFile[]): Promise<PackCandidate[]> {
  const places = ranges.map(({ range: { startLine, endLine }, current: { file } }) => {
    return { file, startLine, endLine, content: file.slice(startLine, endLine) };
  });
  const tokens = await tokensOf(counter, places);
  return places.map((place, i) => ({ ...place, score: ranges[i]!.range.score, tokens: tokens[i]! }));
}

async function render(
  counter: TokenCounting,
  document: FullPack,
  { format }: PackWishes,
): Promise<RenderedPack<FullPack>> {
  const pieces = renderPieces(document, format);
  return { document, context: joinPieces(pieces), tokensUsed: await tokensOfPieces(counter, pieces) };
}

/** Answers share their thread with everything else that a host does. */
const spend = (packer: Packer, tokens: number, thread: ThreadSharing): Promise<boolean> =>
  inTurns(packer.spendSteps(tokens), thread);

/**
 * What a pack costs is known once it is rendered. While there is room it buys more; when it is too much, it begins anew
 * with so much less. The fullest pack that fits.
 * @param packer that has spent `spent`
 */
async function fit(
  { counter, thread }: FullParts,
  packer: Packer,
  spent: number,
  wanted: PackWishes,
): Promise<FullResult> {
  const { budget } = wanted;
  let best: FullResult | undefined;
  let allowed = spent;
  for (let round = 0; ; round++) {
    const pack = { ...(await render(counter, packer.document(), wanted)), bodies: packer.bodies };
    const left = budget - pack.tokensUsed;
    if (left >= 0 && (best === undefined || pack.tokensUsed > best.tokensUsed)) best = pack;
    if (best !== undefined && (budget - best.tokensUsed < slackTokens || round >= mostRounds)) return best;
    if (left >= 0) {
      if (!(await spend(packer, left - slackTokens / 2, thread))) return best ?? pack;
      continue;
    }
    if (allowed <= 0) return pack; // nothing is bought: these are the sentences of an empty pack
    allowed -= Math.max(slackTokens, -left);
    packer.giveBack(Infinity);
    await spend(packer, allowed, thread);
  }
}

export interface FullParts {
  counter: TokenCounting;
  thread: ThreadSharing;
  ranges: readonly RangeInFile[];
  held: HeldLines;
  /** Ranked ranges that were not even read. */
  beyond: number;
  /** What bodies use; asked for only when dependencies are wanted. */
  usedBy: (bodies: readonly PackCandidate[]) => Promise<ReadonlyMap<PackCandidate, readonly UsedDefinition[]>>;
}

export interface FullResult extends RenderedPack<FullPack> {
  /** The ranges that are shown as bodies, best first. */
  bodies: PackCandidate[];
}

/** Ranked ranges as a pack of at most `budget` tokens. */
export async function packFull(parts: FullParts, wanted: PackWishes): Promise<FullResult> {
  const { counter, thread, ranges, held, beyond, usedBy } = parts;
  const { fresh, heldRanges } = apartFromHeld(ranges, held.unchanged);
  const candidates = await toCandidates(counter, fresh);
  const open = (offered: readonly PackCandidate[]): Packer =>
    new Packer({
      candidates: offered,
      limit: wanted.limit,
      held: held.unchanged,
      outdated: held.outdated,
      heldRanges,
      beyond: beyond + candidates.length - offered.length,
    });
  const allowed = wanted.budget - slackTokens;
  let packer = open(candidates);
  await spend(packer, allowed, thread);
  if (packer.bodies.length === 0 && candidates.length > 0) {
    // None fits: the best one is cut rather than nothing shown.
    const part = shortened(candidates[0]!, wanted.budget - shortenedReserve);
    if (part !== undefined) {
      packer = open([part]);
      await spend(packer, allowed, thread);
    }
  } else if (wanted.includeImports) {
    const used = await usedBy(packer.bodies);
    packer = open(candidates);
    for (const [candidate, definitions] of used) packer.offerUsed(candidate, definitions);
    await spend(packer, allowed, thread);
  }
  const pack = await fit(parts, packer, allowed, wanted);
  return { ...pack, bodies: pack.bodies.sort((a, b) => b.score - a.score) };
}
