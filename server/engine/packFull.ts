import { setImmediate as nextTurn } from 'node:timers/promises';
import { renderBlocks } from '../../core/format/render.ts';
import type { LineRange } from '../../core/model.ts';
import { without } from '../../core/pack/lineRanges.ts';
import { Packer, shortened, type UsedDefinition } from '../../core/pack/packer.ts';
import type { FullPack, HeldRange, PackCandidate } from '../../core/pack/types.ts';
import type { CheckedRequest } from './checkSelect.ts';
import type { Held } from './heldLines.ts';
import type { TokenCounter } from './tokenCounter.ts';
import type { VerifiedRange } from './verifyRanges.ts';

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
  ranges: readonly VerifiedRange[],
  held: ReadonlyMap<string, readonly LineRange[]>,
): { fresh: VerifiedRange[]; heldRanges: HeldRange[] } {
  const fresh: VerifiedRange[] = [];
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

export async function toCandidates(counter: TokenCounter, ranges: readonly VerifiedRange[]): Promise<PackCandidate[]> {
  const contents = ranges.map(({ range, current }) => current.file.slice(range.startLine, range.endLine));
  const tokens = await counter.count(contents);
  return ranges.map(({ range, current }, i) => ({
    file: current.file,
    startLine: range.startLine,
    endLine: range.endLine,
    score: range.score,
    content: contents[i]!,
    tokens: tokens[i]!,
  }));
}

async function render(
  counter: TokenCounter,
  document: FullPack,
  { format }: CheckedRequest,
): Promise<RenderedPack<FullPack>> {
  const blocks = renderBlocks(document, format);
  const counts = await counter.count(blocks);
  return { document, context: blocks.join(''), tokensUsed: counts.reduce((sum, count) => sum + count, 0) };
}

/** Answers share their thread with everything else that a host does: longer than this none keeps it. */
const turnMs = 8;

async function spend(packer: Packer, tokens: number): Promise<boolean> {
  const steps = packer.spendSteps(tokens);
  for (let since = performance.now(); ;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - since < turnMs) continue;
    await nextTurn();
    since = performance.now();
  }
}

/**
 * What a pack costs is known once it is rendered. While there is room it buys more; when it is too much, it begins anew
 * with so much less. The fullest pack that fits.
 */
async function fit(counter: TokenCounter, packer: Packer, wanted: CheckedRequest): Promise<FullResult> {
  const { budget } = wanted;
  let best: FullResult | undefined;
  let allowed = budget - slackTokens;
  await spend(packer, allowed);
  for (let round = 0; ; round++) {
    const pack = { ...(await render(counter, packer.document(), wanted)), bodies: packer.bodies };
    const left = budget - pack.tokensUsed;
    if (left >= 0 && (best === undefined || pack.tokensUsed > best.tokensUsed)) best = pack;
    if (best !== undefined && (budget - best.tokensUsed < slackTokens || round >= mostRounds)) return best;
    if (left >= 0) {
      if (!(await spend(packer, left - slackTokens / 2))) return best ?? pack;
      continue;
    }
    if (allowed <= 0) return pack; // nothing is bought: these are the sentences of an empty pack
    allowed -= Math.max(slackTokens, -left);
    packer.giveBack(Infinity);
    await spend(packer, allowed);
  }
}

export interface FullParts {
  counter: TokenCounter;
  ranges: readonly VerifiedRange[];
  held: Held;
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
export async function packFull(parts: FullParts, wanted: CheckedRequest): Promise<FullResult> {
  const { counter, ranges, held, beyond, usedBy } = parts;
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
  let packer = open(candidates);
  await spend(packer, wanted.budget - slackTokens);
  if (packer.bodies.length === 0 && candidates.length > 0) {
    // None fits: the best one is cut rather than nothing shown.
    const part = shortened(candidates[0]!, wanted.budget - shortenedReserve);
    if (part !== undefined) packer = open([part]);
  } else if (wanted.includeImports) {
    const used = await usedBy(packer.bodies);
    packer = open(candidates);
    for (const [candidate, definitions] of used) packer.offerUsed(candidate, definitions);
  } else packer.giveBack(Infinity);
  const pack = await fit(counter, packer, wanted);
  return { ...pack, bodies: pack.bodies.sort((a, b) => b.score - a.score) };
}
