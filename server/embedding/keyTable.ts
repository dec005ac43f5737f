import { checksum } from './checksum.ts';

/** Where a row is kept. */
export interface RowPlace {
  segment: number;
  row: number;
  /** Of the row's bytes. */
  checksum: number;
}

/**
 * Digests of 16 bytes (four words) and where their rows are: open addressing over typed arrays, some 45 bytes a key.
 * It is cut into shards that grow each for itself, so that no growth stops the program for long.
 */
export interface KeyTable {
  readonly size: number;
  /** Undefined when the digest at `words[at]` to `words[at + 3]` is not there. */
  find(words: Uint32Array, at: number): RowPlace | undefined;
  /** Adds a digest, or moves it to another place. */
  set(words: Uint32Array, at: number, place: RowPlace): void;
  clear(): void;
}

const digestWords = 4;
/** Digest, segment, row, checksum of the row. */
const entryWords = digestWords + 3;
const firstSlots = 16;
/** Slots are at most so full: above it, runs of taken slots get long. */
const maxFill = 0.7;

interface Shard {
  /** Number of an entry plus one; 0 is free. Its length is a power of two. */
  slots: Int32Array;
  entries: Uint32Array;
  count: number;
}

const emptyShard = (): Shard => ({
  slots: new Int32Array(firstSlots),
  entries: new Uint32Array(firstSlots * entryWords),
  count: 0,
});

const sameDigest = (a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean =>
  a[atA] === b[atB] && a[atA + 1] === b[atB + 1] && a[atA + 2] === b[atB + 2] && a[atA + 3] === b[atB + 3];

/** The slot that holds the digest, or the free one where it belongs. */
function slotOf({ slots, entries }: Shard, hash: number, words: Uint32Array, at: number): number {
  const mask = slots.length - 1;
  let slot = hash & mask;
  for (let taken = slots[slot]!; taken !== 0; taken = slots[slot]!) {
    if (sameDigest(entries, (taken - 1) * entryWords, words, at)) return slot;
    slot = (slot + 1) & mask;
  }
  return slot;
}

function makeRoom(shard: Shard): void {
  if ((shard.count + 1) * entryWords > shard.entries.length) {
    const entries = new Uint32Array(Math.ceil(shard.count * 1.5) * entryWords);
    entries.set(shard.entries);
    shard.entries = entries;
  }
  if (shard.count + 1 <= shard.slots.length * maxFill) return;
  shard.slots = new Int32Array(shard.slots.length * 2);
  for (let entry = 0; entry < shard.count; entry++) {
    const at = entry * entryWords;
    shard.slots[slotOf(shard, checksum(shard.entries, at, digestWords), shard.entries, at)] = entry + 1;
  }
}

export function createKeyTable(): KeyTable {
  let shards: (Shard | undefined)[] = [];
  let size = 0;
  // Digests are random already; hashing them anew costs little and makes the table safe with any others.
  const shardNumber = (hash: number): number => hash >>> 24;

  return {
    get size() {
      return size;
    },
    find(words, at) {
      const hash = checksum(words, at, digestWords);
      const shard = shards[shardNumber(hash)];
      const taken = shard?.slots[slotOf(shard, hash, words, at)];
      if (shard === undefined || taken === undefined || taken === 0) return undefined;
      const entry = (taken - 1) * entryWords + digestWords;
      return { segment: shard.entries[entry]!, row: shard.entries[entry + 1]!, checksum: shard.entries[entry + 2]! };
    },
    set(words, at, place) {
      const hash = checksum(words, at, digestWords);
      const shard = (shards[shardNumber(hash)] ??= emptyShard());
      let slot = slotOf(shard, hash, words, at);
      if (shard.slots[slot] === 0) {
        makeRoom(shard);
        slot = slotOf(shard, hash, words, at);
        shard.entries.set(words.subarray(at, at + digestWords), shard.count * entryWords);
        shard.slots[slot] = ++shard.count;
        size++;
      }
      const entry = (shard.slots[slot]! - 1) * entryWords + digestWords;
      shard.entries[entry] = place.segment;
      shard.entries[entry + 1] = place.row;
      shard.entries[entry + 2] = place.checksum;
    },
    clear() {
      shards = [];
      size = 0;
    },
  };
}
