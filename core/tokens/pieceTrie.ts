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

export interface Piece {
  root: Root;
  text: string;
  id: number;
}

const firstBits = 16;

/** A number for each UTF-16 unit that occurs in a piece, 0 for all others: small enough to be part of an edge. */
function alphabetOf(pieces: readonly Piece[]): { numbers: Uint16Array; size: number } {
  const numbers = new Uint16Array(65_536);
  let size = 1;
  for (const { text } of pieces) {
    for (let i = 0; i < text.length; i++) {
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
export function createPieceTrie(pieces: readonly Piece[]): PieceTrie {
  const { numbers, size } = alphabetOf(pieces);
  let bits = firstBits;
  /** Pairs: the edge, node * size + number of the character (0 where free), and the node it leads to. */
  let table = new Int32Array(2 << bits);
  let edgeCount = 0;
  /** By node: the id of the piece that ends there, or -1. The first two nodes are the roots. */
  const accepted = [-1, -1];
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
    const next = accepted.push(-1) - 1;
    if (next * size > 2 ** 31) throw new RangeError('the vocabulary is too large');
    table[slot] = edge;
    table[slot + 1] = next;
    edgeCount++;
    if (edgeCount * 4 > table.length) widen();
    return next;
  }

  for (const { root, text, id } of pieces) {
    let node: number = root;
    for (let i = 0; i < text.length; i++) node = follow(node, text.charCodeAt(i));
    if (text !== '') accepted[node] = id;
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
