/** Finds the longest piece of a vocabulary at a place in a text. */
export interface PieceTrie {
  /**
   * The end of the longest piece that stands at `from` and ends not after `to`, -1 where none does; its id is then
   * in `id`. `root` says which pieces are looked for. Capital letters of ASCII match small ones.
   */
  longestAt(root: Root, text: string, from: number, to: number): number;
  /** Of the last match. */
  readonly id: number;
}

/** A word is split into a piece that begins it and pieces that continue it. */
export const Root = { beginning: 0, continuation: 1 } as const;
export type Root = (typeof Root)[keyof typeof Root];

/** Pieces by id: where each stands in a text that holds them all, and which words it may be part of. */
export interface Pieces {
  text: string;
  starts: Uint32Array;
  ends: Uint32Array;
  roots: Uint8Array;
}

/** Room for a vocabulary of 30,000 pieces without widening. */
const firstBits = 17;

/** A number for each UTF-16 unit that occurs in a piece, 0 for all others: small enough to be part of an edge. */
function alphabetOf({ text, starts, ends }: Pieces): { numbers: Uint16Array; size: number } {
  const numbers = new Uint16Array(65_536);
  let size = 1;
  for (let id = 0; id < starts.length; id++) {
    for (let i = starts[id]!; i < ends[id]!; i++) {
      const code = text.charCodeAt(i);
      if (numbers[code] === 0) numbers[code] = size++;
    }
  }
  for (let code = 65; code <= 90; code++) numbers[code] = numbers[code + 32]!;
  return { numbers, size };
}

/**
 * A trie whose edges lie in one open-addressing table: walking it forward takes a step a character and makes no
 * strings, where trying each prefix against a map takes a new string and its hash for each length.
 */
export function createPieceTrie(pieces: Pieces): PieceTrie {
  const { numbers, size } = alphabetOf(pieces);
  let bits = firstBits;
  /** Pairs: the edge, node * size + number of the character (0 where free), and the node it leads to. */
  let table = new Int32Array(2 << bits);
  let edgeCount = 0;
  /** By node: the id of the piece that ends there, or -1. The first two nodes are the roots. */
  let accepted = new Int32Array(1 << firstBits).fill(-1);
  let nodeCount = 2;
  let last = -1;

  function slotOf(edge: number): number {
    let slot = (Math.imul(edge, 0x9e3779b1) >>> (32 - bits)) * 2;
    while (table[slot] !== 0 && table[slot] !== edge) slot = (slot + 2) & (table.length - 1);
    return slot;
  }

  function widen(): void {
    const before = table;
    bits++;
    table = new Int32Array(2 << bits);
    for (let i = 0; i < before.length; i += 2) {
      if (before[i] === 0) continue;
      const slot = slotOf(before[i]!);
      table[slot] = before[i]!;
      table[slot + 1] = before[i + 1]!;
    }
  }

  function follow(node: number, code: number): number {
    const edge = node * size + numbers[code]!;
    const slot = slotOf(edge);
    if (table[slot] !== 0) return table[slot + 1]!;
    const next = nodeCount++;
    if (next * size > 2 ** 31) throw new RangeError('the vocabulary is too large');
    if (next === accepted.length) {
      const before = accepted;
      accepted = new Int32Array(before.length * 2).fill(-1);
      accepted.set(before);
    }
    table[slot] = edge;
    table[slot + 1] = next;
    edgeCount++;
    if (edgeCount * 4 > table.length) widen();
    return next;
  }

  const { text: all, starts, ends, roots } = pieces;
  for (let id = 0; id < starts.length; id++) {
    let node: number = roots[id]!;
    for (let i = starts[id]!; i < ends[id]!; i++) node = follow(node, all.charCodeAt(i));
    if (ends[id]! > starts[id]!) accepted[node] = id;
  }

  return {
    longestAt(root, text, from, to) {
      let node: number = root;
      let end = -1;
      for (let i = from; i < to; i++) {
        const number = numbers[text.charCodeAt(i)]!;
        if (number === 0) break;
        const slot = slotOf(node * size + number);
        if (table[slot] === 0) break;
        node = table[slot + 1]!;
        if (accepted[node]! >= 0) {
          last = accepted[node]!;
          end = i + 1;
        }
      }
      return end;
    },
    get id() {
      return last;
    },
  };
}
