import type { CodeSymbol } from '../model.ts';
import { cut, isSignificant } from './signatures.ts';
import type { MapPack, MappedFile } from './types.ts';

/** A definition that a map may show. */
export interface MapSymbol {
  line: number;
  depth: number;
  signature: string;
  /** How much it is worth; 0 for one that is there only because it is around others. */
  rank: number;
  /** Indices of the definitions around it in the file's list, outermost first. */
  around: number[];
  /** Its number among all definitions of the file that are worth a line. */
  ordinal: number;
}

/** A file with what a map may show of it. */
export interface MapFile {
  path: string;
  language: string;
  /** By line. */
  symbols: readonly MapSymbol[];
  /** All definitions of the file that are worth a line. */
  total: number;
}

/** Indices of the definitions around each one, outermost first. Definitions by line, longer ones first. */
function containersOf(symbols: readonly CodeSymbol[]): number[][] {
  const open: number[] = [];
  return symbols.map((symbol, i) => {
    while (open.length > 0 && symbols[open.at(-1)!]!.endLine < symbol.line) open.pop();
    const around = symbol.container.length === 0 ? [] : open.slice(-symbol.container.length);
    open.push(i);
    return around;
  });
}

/** The definitions of a file that have a rank, and those around them. `rankOf` is given the index into `symbols`. */
export function toMapFile(
  { path, language, symbols }: { path: string; language: string; symbols: readonly CodeSymbol[] },
  rankOf: (symbol: CodeSymbol, index: number) => number,
): MapFile {
  const worthy = symbols
    .map((symbol, index) => ({ symbol, index }))
    .filter(({ symbol }) => isSignificant(symbol))
    .sort((a, b) => a.symbol.line - b.symbol.line || b.symbol.endLine - a.symbol.endLine);
  const containers = containersOf(worthy.map(({ symbol }) => symbol));
  const ranks = worthy.map(({ symbol, index }) => rankOf(symbol, index));
  const wanted = new Set(ranks.flatMap((rank, i) => (rank > 0 ? [...containers[i]!, i] : [])));
  const kept = [...wanted].sort((a, b) => a - b);
  const place = new Map(kept.map((ordinal, i) => [ordinal, i]));
  return {
    path,
    language,
    total: worthy.length,
    symbols: kept.map((ordinal): MapSymbol => {
      const { line, signature, container } = worthy[ordinal]!.symbol;
      const around = containers[ordinal]!.map((each) => place.get(each)).filter((each) => each !== undefined);
      return { line, depth: container.length, signature: cut(signature), rank: ranks[ordinal]!, around, ordinal };
    }),
  };
}

/** What the parts of a map cost, in tokens. */
export interface MapCosts {
  /** The frame of a file around its lines. */
  file: (file: MapFile) => number;
  line: (file: MapFile, symbol: number) => number;
  /** A mark for what is left out. */
  gap: number;
}

/** The n-th definition of a file is worth its rank divided by 1 + n / this: no file fills the map alone. */
const sameFile = 5;

/** A file as far as it is chosen: indices of its symbols, ascending. */
class Shown {
  readonly chosen: number[] = [];

  constructor(readonly file: MapFile) {}

  /** Where an index stands or would stand. */
  #place(index: number): number {
    let [low, high] = [0, this.chosen.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.chosen[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(index: number): boolean {
    return this.chosen[this.#place(index)] === index;
  }

  add(index: number): void {
    this.chosen.splice(this.#place(index), 0, index);
  }

  /** How many gap marks more there would be with this index. */
  gapsMore(index: number): number {
    if (this.chosen.length === 0) return this.file.total > 1 ? 1 : 0;
    const at = this.#place(index);
    const before = this.#ordinal(at - 1);
    const after = this.#ordinal(at);
    const own = this.file.symbols[index]!.ordinal;
    const gaps = (from: number | undefined, to: number | undefined): number =>
      from !== undefined && to !== undefined && to - from > 1 ? 1 : 0;
    return gaps(before, own) + gaps(own, after) - gaps(before, after);
  }

  #ordinal(at: number): number | undefined {
    const index = this.chosen[at];
    return index === undefined ? undefined : this.file.symbols[index]!.ordinal;
  }
}

interface Entry {
  shown: Shown;
  index: number;
  density: number;
}

/** Binary heap, highest density first; equal ones in the order of their making. */
class Heap {
  readonly #entries: { entry: Entry; order: number }[] = [];
  #made = 0;

  get size(): number {
    return this.#entries.length;
  }

  get top(): Entry | undefined {
    return this.#entries[0]?.entry;
  }

  push(entry: Entry): void {
    this.#entries.push({ entry, order: this.#made++ });
    for (let at = this.#entries.length - 1; at > 0;) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Entry {
    const first = this.#entries[0]!.entry;
    const last = this.#entries.pop()!;
    if (this.#entries.length > 0) {
      this.#entries[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    for (let at = 0; ;) {
      let best = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#entries.length && this.#isBefore(child, best)) best = child;
      if (best === at) return;
      this.#swap(at, best);
      at = best;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a]!, this.#entries[b]!];
    return x.entry.density > y.entry.density || (x.entry.density === y.entry.density && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    [this.#entries[a], this.#entries[b]] = [this.#entries[b]!, this.#entries[a]!];
  }
}

export interface ChosenMap {
  pack: MapPack;
  /** What was chosen last. */
  last: MapSymbol | undefined;
}

/**
 * Chooses the definitions of a map: again and again the one with the most rank for its tokens, with the definitions
 * around it, less the more of its file is shown already; those that do not fit are passed over for smaller ones.
 * Files come in the order of their best definition. Those of `without` are shown only around others.
 */
export function chooseMap(
  files: readonly MapFile[],
  costs: MapCosts,
  budget: number,
  total: number,
  without: ReadonlySet<MapSymbol> = new Set(),
): ChosenMap {
  const heap = new Heap();
  let left = budget;
  const costOf = ({ shown, index }: Entry): number => {
    const { file, chosen } = shown;
    const wanted = [...file.symbols[index]!.around.filter((each) => !shown.has(each)), index];
    const lines = wanted.reduce((sum, each) => sum + costs.line(file, each), 0);
    const gaps = wanted.length === 1 ? shown.gapsMore(index) : wanted.length;
    return lines + gaps * costs.gap + (chosen.length === 0 ? costs.file(file) : 0);
  };
  const densityOf = (entry: Entry): number =>
    entry.shown.file.symbols[entry.index]!.rank / (1 + entry.shown.chosen.length / sameFile) / costOf(entry);
  for (const file of files) {
    const shown = new Shown(file);
    for (const [index, symbol] of file.symbols.entries()) {
      if (symbol.rank <= 0 || without.has(symbol)) continue;
      const entry: Entry = { shown, index, density: 0 };
      entry.density = densityOf(entry);
      heap.push(entry);
    }
  }
  const order: Shown[] = [];
  let count = 0;
  let last: MapSymbol | undefined;
  while (heap.size > 0) {
    const entry = heap.pop();
    const { shown, index } = entry;
    if (shown.has(index)) continue;
    const density = densityOf(entry);
    if (density < (heap.top?.density ?? 0)) {
      heap.push({ ...entry, density });
      continue;
    }
    const cost = costOf(entry);
    if (cost > left) continue;
    left -= cost;
    last = shown.file.symbols[index]!;
    if (shown.chosen.length === 0) order.push(shown);
    for (const each of [...shown.file.symbols[index]!.around, index]) {
      if (shown.has(each)) continue;
      shown.add(each);
      count++;
    }
  }
  return { pack: { mode: 'map', files: order.map(toMapped), leftOut: Math.max(0, total - count) }, last };
}

function toMapped({ file, chosen }: Shown): MappedFile {
  const symbols = chosen.map((index) => file.symbols[index]!);
  return {
    path: file.path,
    language: file.language,
    entries: symbols.map(({ line, depth, signature, ordinal }, i) => ({
      line,
      depth,
      signature,
      gap: i > 0 && ordinal - symbols[i - 1]!.ordinal > 1,
    })),
    more: symbols[0]!.ordinal > 0 || symbols.at(-1)!.ordinal < file.total - 1,
  };
}
