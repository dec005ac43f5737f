import type { LineRange } from '../model.ts';
import { arrangeFiles, type ShownFile } from './arrangeFiles.ts';
import { estimate, headingTokens, lineTokens, markerTokens, rangeTokens } from './costs.ts';
import { Duplicates } from './duplicates.ts';
import { union, withoutUnited } from './lineRanges.ts';
import { defaultPackWeights, type PackWeights } from './packWeights.ts';
import { linesAround, listLine } from './rangeFacts.ts';
import type { FullPack, HeldRange, PackCandidate, PackFile, RangeKind, SignatureLine } from './types.ts';

/** A definition that a body uses. */
export interface UsedDefinition {
  signature: SignatureLine;
  /** Its lines, if it is short enough to be shown whole. */
  body: { file: PackFile; range: LineRange; tokens: number } | null;
}

export interface PackerOptions {
  /** Best first. */
  candidates: readonly PackCandidate[];
  /** At most so many bodies. */
  limit: number;
  /** Lines, by path, that are not to be shown again. */
  held?: ReadonlyMap<string, readonly LineRange[]>;
  /** What the conversation holds of the ranked ranges; for the pack to say. */
  heldRanges?: readonly HeldRange[];
  /** Ranges, by path, that the conversation holds as they were before they changed. */
  outdated?: ReadonlyMap<string, readonly LineRange[]>;
  /** Ranked ranges that are no candidates: nobody expects them to fit. */
  beyond?: number;
  weights?: PackWeights;
}

interface Worth {
  value: number;
  cost: number;
}

/** Something that can be bought, with what it is worth and costs as things stand. */
interface Offer extends Worth {
  /** Its file; what is bought there changes the offer. */
  path: string;
  isFresh: boolean;
  /** Finds value and cost anew; a value of 0 takes it off the table. */
  assess: () => Worth;
  buy: () => void;
}

const nothing: Worth = { value: 0, cost: 1 };

type Level = 'none' | 'name' | 'signature' | 'body';

/** Code of one project shares so much anyway, without being a copy. */
const commonShare = 0.5;

/**
 * Spends a budget where it buys most: at each step, of all that can still be had, what has the most value for its
 * tokens, given what is in the pack already (the greedy solution of the multiple-choice knapsack problem: Sinha and
 * Zoltners, 1979). Each range can be had as name, as signature or as body. A body makes wishes: headers around it,
 * imports it uses, definitions it names. What the pack has already, or what resembles it, is worth less.
 */
export class Packer {
  readonly #options: Required<PackerOptions>;
  readonly #values: readonly number[];
  readonly #uses = new Map<number, readonly UsedDefinition[]>();
  readonly #duplicates: Duplicates;
  /** Three for each candidate first (body, signature, name), then what bodies wish for. */
  #offers: Offer[] = [];
  /** The same by their files. */
  readonly #offersOf = new Map<string, Offer[]>();
  #levels: Level[] = [];
  #files = new Map<string, ShownFile>();
  /** By path, what the pack and the conversation have; forgotten with every part that is added to a file. */
  readonly #taken = new Map<string, LineRange[]>();
  #signatures: { line: SignatureLine; candidate: number }[] = [];
  #used: SignatureLine[] = [];
  /** Of each candidate, the share that resembles what is in the pack. */
  #covered: number[] = [];
  #bodyOrder: number[] = [];
  /** In this order; buying it again gives the same pack. */
  #bought: Offer[] = [];

  constructor({ weights = defaultPackWeights, ...options }: PackerOptions) {
    this.#options = { held: new Map(), outdated: new Map(), heldRanges: [], beyond: 0, weights, ...options };
    const top = options.candidates[0]?.score ?? 0;
    this.#values = options.candidates.map(({ score }) => (top > 0 ? (score / top) ** weights.steepness : 1));
    this.#duplicates = new Duplicates(options.candidates);
    this.#clear();
  }

  /** Candidates that are in as bodies, in the order in which they were bought. */
  get bodies(): PackCandidate[] {
    return this.#bodyOrder.map((i) => this.#options.candidates[i]!);
  }

  /** What a candidate's body uses; takes effect if it is bought from now on. */
  offerUsed(candidate: PackCandidate, used: readonly UsedDefinition[]): void {
    this.#uses.set(this.#options.candidates.indexOf(candidate), used);
  }

  /** Buys for at most so many tokens. False when there was nothing to be had for them. */
  spend(tokens: number): boolean {
    const steps = this.spendSteps(tokens);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }

  /** The same, a purchase a step: a large budget takes longer than whoever else waits should have to. */
  *spendSteps(tokens: number): Generator<void, boolean> {
    const before = this.#bought.length;
    let left = tokens;
    for (let best = this.#bestOffer(left); best !== undefined; best = this.#bestOffer(left)) {
      left -= best.cost;
      this.#bought.push(best);
      this.#take(best);
      yield;
    }
    return this.#bought.length > before;
  }

  /** Gives back what was bought last, until it made up so many tokens. False when there is nothing left to give back. */
  giveBack(tokens: number): boolean {
    if (this.#bought.length === 0) return false;
    let freed = 0;
    while (freed < tokens && this.#bought.length > 0) freed += this.#bought.pop()!.cost;
    const kept = this.#bought;
    this.#clear();
    for (const offer of kept) this.#take(offer);
    return true;
  }

  document(): FullPack {
    const { candidates, heldRanges, beyond } = this.#options;
    return {
      mode: 'full',
      files: arrangeFiles([...this.#files.values()].filter(({ parts }) => parts.length > 0)),
      used: this.#used.filter((line) => !this.#shows(line)),
      signatures: this.#signatures
        .filter(({ line, candidate }) => this.#levels[candidate] !== 'body' && !this.#shows(line))
        .sort((a, b) => a.candidate - b.candidate)
        .map(({ line }) => line),
      leftOut: candidates.length - this.#bodyOrder.length + beyond,
      held: [...heldRanges],
      renewed: this.#renewed(),
    };
  }

  /** Bodies that the conversation holds in another state. */
  #renewed(): HeldRange[] {
    return this.bodies.flatMap(({ file, startLine, endLine }) => {
      const before = this.#options.outdated.get(file.path) ?? [];
      const isRenewed = before.some((range) => range.startLine <= endLine && range.endLine >= startLine);
      return isRenewed ? [{ path: file.path, startLine, endLine }] : [];
    });
  }

  #clear(): void {
    const { candidates } = this.#options;
    this.#levels = candidates.map(() => 'none');
    this.#covered = candidates.map(() => 0);
    this.#files = new Map();
    this.#taken.clear();
    this.#signatures = [];
    this.#used = [];
    this.#bodyOrder = [];
    this.#duplicates.clear();
    this.#offersOf.clear();
    this.#offers = candidates.flatMap((_, i) => [
      this.#bodyOffer(i),
      this.#listOffer(i, 'signature'),
      this.#listOffer(i, 'name'),
    ]);
  }

  #bestOffer(left: number): Offer | undefined {
    let best: Offer | undefined;
    for (const offer of this.#offers) {
      if (!offer.isFresh) {
        const { value, cost } = offer.assess();
        offer.value = value;
        offer.cost = cost;
        offer.isFresh = true;
      }
      if (offer.value <= 0 || offer.cost > left) continue;
      if (best === undefined || offer.value * best.cost > best.value * offer.cost) best = offer;
    }
    return best;
  }

  #take(offer: Offer): void {
    offer.buy();
    for (const each of this.#offersOf.get(offer.path) ?? []) each.isFresh = false;
  }

  #offer(path: string, assess: () => Worth, buy: () => void): Offer {
    const offer: Offer = { path, value: 0, cost: 1, isFresh: false, assess, buy };
    const ofFile = this.#offersOf.get(path);
    if (ofFile === undefined) this.#offersOf.set(path, [offer]);
    else ofFile.push(offer);
    return offer;
  }

  #valueOf(i: number): number {
    const resembles = Math.max(0, this.#covered[i]! - commonShare) / (1 - commonShare);
    return this.#values[i]! * (1 - resembles) ** 2;
  }

  #bodyOffer(i: number): Offer {
    const { weights, limit, candidates } = this.#options;
    const candidate = candidates[i]!;
    const { file } = candidate;
    const assess = (): Worth => {
      const level = this.#levels[i]!;
      if (level === 'body' || this.#bodyOrder.length >= limit) return nothing;
      const has = level === 'none' ? 0 : weights[level];
      const inFile = this.#files.get(file.path)?.bodies ?? 0;
      return {
        value: this.#valueOf(i) * (weights.sameFile ** inFile - has),
        cost: candidate.tokens + this.#frameOf(file, candidate),
      };
    };
    return this.#offer(file.path, assess, () => this.#addBody(i));
  }

  #listOffer(i: number, level: 'signature' | 'name'): Offer {
    const { weights, candidates } = this.#options;
    let known: SignatureLine | undefined;
    const lineOf = (): SignatureLine => (known ??= listLine(candidates[i]!.file, candidates[i]!, level));
    const assess = (): Worth => {
      if (this.#levels[i] !== 'none') return nothing;
      const line = lineOf();
      const isListed = this.#signatures.some((each) => each.line.path === line.path && each.line.line === line.line);
      if (line.text === '' || isListed || this.#shows(line)) return nothing;
      return { value: this.#valueOf(i) * weights[level], cost: lineTokens(line) };
    };
    const buy = (): void => {
      this.#levels[i] = level;
      this.#signatures.push({ line: lineOf(), candidate: i });
    };
    return this.#offer(candidates[i]!.file.path, assess, buy);
  }

  /** Lines around a body that it wants to be understood. */
  #wish(file: PackFile, range: LineRange, value: number): Offer {
    const assess = (): Worth => {
      const lines = this.#missing(file, range);
      if (lines.length === 0) return nothing;
      const text = lines.reduce((sum, each) => sum + rangeTokens(file, each), 0);
      return { value, cost: text + this.#frameOf(file, lines[0]!) };
    };
    return this.#offer(file.path, assess, () => this.#show(file, range, 'context'));
  }

  #isUsedListed({ path, line }: SignatureLine): boolean {
    return this.#used.some((each) => path === each.path && line === each.line);
  }

  #usedOffers({ signature, body }: UsedDefinition, value: number): Offer[] {
    const { usedSignature, usedBody } = this.#options.weights;
    const asSignature = this.#offer(
      signature.path,
      () => {
        if (this.#shows(signature) || this.#isUsedListed(signature)) return nothing;
        return { value: value * usedSignature, cost: lineTokens(signature) };
      },
      () => void this.#used.push(signature),
    );
    if (body === null) return [asSignature];
    const asBody = this.#offer(
      signature.path,
      () => {
        if (this.#missing(body.file, body.range).length === 0) return nothing;
        const has = this.#isUsedListed(signature) ? usedSignature : 0;
        return { value: value * (usedBody - has), cost: body.tokens + this.#frameOf(body.file, body.range) };
      },
      () => this.#show(body.file, body.range, 'used'),
    );
    return [asSignature, asBody];
  }

  #shows({ path, line }: SignatureLine): boolean {
    const shown = this.#files.get(path);
    return shown?.parts.some(({ range }) => range.startLine <= line && line <= range.endLine) === true;
  }

  /** What a range costs next to its text. */
  #frameOf(file: PackFile, { startLine, endLine }: LineRange): number {
    const shown = this.#files.get(file.path);
    if (shown === undefined) return headingTokens(file.path);
    const touches = shown.parts.some(({ range }) => range.startLine <= endLine + 2 && range.endLine >= startLine - 2);
    return touches ? 0 : markerTokens;
  }

  /** Lines of a range that neither the pack nor the conversation has. */
  #missing(file: PackFile, range: LineRange): LineRange[] {
    let taken = this.#taken.get(file.path);
    if (taken === undefined) {
      const shown = this.#files.get(file.path)?.parts.map((part) => part.range) ?? [];
      taken = union([...shown, ...(this.#options.held.get(file.path) ?? [])]);
      this.#taken.set(file.path, taken);
    }
    return withoutUnited(range, taken);
  }

  #shelf(file: PackFile): ShownFile {
    let shown = this.#files.get(file.path);
    if (shown === undefined) {
      shown = { file, parts: [], bodies: 0 };
      this.#files.set(file.path, shown);
    }
    return shown;
  }

  #show(file: PackFile, range: LineRange, kind: RangeKind): void {
    const missing = this.#missing(file, range);
    const { parts } = this.#shelf(file);
    for (const each of missing) parts.push({ range: each, kind });
    this.#taken.delete(file.path);
  }

  #addBody(i: number): void {
    const { candidates, weights, limit } = this.#options;
    const candidate = candidates[i]!;
    const { file } = candidate;
    this.#levels[i] = 'body';
    this.#bodyOrder.push(i);
    this.#shelf(file).bodies++;
    if (this.#bodyOrder.length === limit) for (const offer of this.#offers) offer.isFresh = false;
    this.#show(file, candidate, 'body');
    this.#cover(i);
    const value = this.#values[i]!;
    const { headers, imports } = linesAround(file, candidate);
    for (const range of headers) this.#offers.push(this.#wish(file, range, value * weights.header));
    for (const range of imports) this.#offers.push(this.#wish(file, range, value * weights.import));
    for (const used of this.#uses.get(i) ?? []) this.#offers.push(...this.#usedOffers(used, value));
  }

  /** What resembles a body that is in is worth less from now on. */
  #cover(i: number): void {
    for (const j of this.#duplicates.add(i)) {
      if (this.#levels[j] === 'body') continue;
      this.#covered[j] = this.#duplicates.coverage(j);
      for (let offer = 3 * j; offer < 3 * j + 3; offer++) this.#offers[offer]!.isFresh = false;
    }
  }
}

/** The first lines of a candidate that fit into so many tokens, taken in proportion; undefined if not one line fits. */
export function shortened(candidate: PackCandidate, tokens: number): PackCandidate | undefined {
  const lines = candidate.content.split('\n');
  const room = tokens - headingTokens(candidate.file.path);
  const keep = Math.min(lines.length, Math.floor((lines.length * room) / Math.max(1, candidate.tokens)));
  if (keep < 1) return undefined;
  const content = lines.slice(0, keep).join('\n');
  return {
    ...candidate,
    endLine: candidate.startLine + keep - 1,
    content,
    tokens: Math.max(estimate(content), Math.ceil((candidate.tokens * keep) / lines.length)),
  };
}
