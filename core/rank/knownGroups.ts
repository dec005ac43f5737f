import type { ChunkTable } from './chunkTable.ts';
import { NumberSet, roomFor } from './numberSet.ts';
import type { RankingWeights } from './weights.ts';
import { TermGroup, type FieldColumn, type GroupColumns } from './termGroup.ts';

/** Files whose text has something of a group: their places, and how far each has it, up to 1. */
export interface GroupFiles {
  readonly places: Uint32Array;
  readonly shares: Float64Array;
}

type GroupWeights = Pick<RankingWeights, 'comment' | 'coverageLength'>;

/** What is kept of a group, with its files once they were asked for. */
interface KeptGroup extends GroupColumns {
  files: GroupFiles | undefined;
  /** Chunks in its columns. */
  size: number;
  /** How often it was asked for. */
  asked: number;
}

/** Groups of fewer chunks are read as fast as they are looked up. */
const leastKept = 64;
/** For each chunk of the index it may be in the columns of so many groups that are kept. */
const keptPerChunk = 16;
/** What that takes at most, in bytes. */
export const keptBytesPerChunk = 12 * keptPerChunk;
const leastRoom = 1 << 14;
/** So many groups are counted; then what was asked for long ago counts half. */
const mostCounted = 4_096;

const copied = ({ chunks, frequency, length }: FieldColumn): FieldColumn => {
  return { chunks: chunks.slice(0, length), frequency: frequency.slice(0, length), length };
};

const isKept = (group: GroupColumns): group is KeptGroup => 'files' in group;

/**
 * Groups of terms as they were read, for one state of the index. A few common words stand in many questions and in most
 * chunks: to put together what chunks have of them takes as long as to score them. Kept are those that are asked for
 * most often (Einziger, Friedman and Manes 2017, "TinyLFU": what comes in has to be asked for more often than what goes
 * out, and counts are halved from time to time).
 */
export class KnownGroups {
  readonly #table: ChunkTable;
  readonly #reader: TermGroup;
  #state = '';
  #weights: GroupWeights = { comment: 0, coverageLength: 0 };
  readonly #kept = new Map<string, KeptGroup>();
  /** How often each other group was asked for. */
  #asked = new Map<string, number>();
  /** Chunks in the columns of all that are kept. */
  #size = 0;
  /** Files of the group that is being looked through; in how many chunks, all 0 between two groups. */
  readonly #files = new NumberSet();
  #chunksOf = new Uint32Array(0);

  constructor(table: ChunkTable) {
    this.#table = table;
    this.#reader = new TermGroup(table);
  }

  /**
   * The columns of a group; they hold until the next call.
   * @param name that no other group of several terms has
   */
  read(name: string, termIds: readonly number[], weights: GroupWeights): GroupColumns {
    this.#forgetOutdated(weights);
    // A word by itself is often all that there is of its stem.
    const key = termIds.length === 1 ? String(termIds[0]) : name;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      known.asked++;
      return known;
    }
    const asked = this.#count(key);
    this.#reader.read(termIds, weights.comment);
    const { text, name: inNames, scope } = this.#reader;
    const size = text.length + inNames.length + scope.length;
    if (size < leastKept || asked < 2 || !this.#makeRoom(size, asked)) return this.#reader;
    const group: KeptGroup = {
      text: copied(text),
      name: copied(inNames),
      scope: copied(scope),
      files: undefined,
      size,
      asked,
    };
    this.#kept.set(key, group);
    this.#size += size;
    return group;
  }

  /**
   * The files of the group that was read last; they hold until the next call. A file has it wholly where a part of it
   * that is large enough does, as a long file has some place for every common word: the saturation of BM25 at full
   * normalisation of length, in chunks. In a file of usual length one chunk is enough.
   */
  filesOf(group: GroupColumns): GroupFiles {
    if (!isKept(group)) return this.#findFiles(group);
    if (group.files === undefined) {
      const { places, shares } = this.#findFiles(group);
      group.files = { places: places.slice(), shares };
    }
    return group.files;
  }

  #findFiles({ text: { chunks, length } }: GroupColumns): GroupFiles {
    const files = this.#files;
    files.clear();
    files.fit(this.#table.places);
    if (this.#chunksOf.length < this.#table.places) this.#chunksOf = new Uint32Array(roomFor(this.#table.places));
    const chunksOf = this.#chunksOf;
    const { placeOf } = this.#table;
    for (let i = 0; i < length; i++) {
      const place = placeOf[chunks[i]!]!;
      files.add(place);
      chunksOf[place]!++;
    }
    const places = files.values.subarray(0, files.length);
    const shares = new Float64Array(places.length);
    const { coverageLength } = this.#weights;
    const lengths = this.#table.fileLengths();
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      const found = chunksOf[place]!;
      shares[i] = Math.min(1, (found * (1 + coverageLength)) / (found + coverageLength * lengths[place]!));
      chunksOf[place] = 0;
    }
    return { places, shares };
  }

  #forgetOutdated({ comment, coverageLength }: GroupWeights): void {
    const state = `${this.#table.version} ${comment} ${coverageLength}`;
    if (state === this.#state) return;
    this.#state = state;
    this.#weights = { comment, coverageLength };
    for (const [key, { asked }] of this.#kept) this.#asked.set(key, asked);
    this.#kept.clear();
    this.#size = 0;
  }

  /** How often a group that is not kept has been asked for, this time included. */
  #count(key: string): number {
    const asked = (this.#asked.get(key) ?? 0) + 1;
    this.#asked.set(key, asked);
    if (this.#asked.size > mostCounted) this.#halve();
    return asked;
  }

  #halve(): void {
    this.#asked = new Map([...this.#asked].flatMap(([key, n]) => (n > 1 ? [[key, Math.floor(n / 2)]] : [])));
    for (const group of this.#kept.values()) group.asked = Math.floor(group.asked / 2);
  }

  /** Drops groups that were asked for less often than `asked`, as long as that gives the room; false if it does not. */
  #makeRoom(size: number, asked: number): boolean {
    const room = Math.max(leastRoom, keptPerChunk * this.#table.size);
    const due = this.#size + size - room;
    if (due <= 0) return true;
    let lesser = 0;
    for (const group of this.#kept.values()) if (group.asked < asked) lesser += group.size;
    if (lesser < due) return false;
    let given = 0;
    for (const [key, group] of [...this.#kept].sort(([, a], [, b]) => a.asked - b.asked)) {
      if (given >= due) break;
      given += group.size;
      this.#kept.delete(key);
      this.#asked.set(key, group.asked);
    }
    this.#size -= given;
    return true;
  }
}
