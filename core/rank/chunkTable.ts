import { stem } from '../lexical/stem.ts';
import { termsOfText } from '../lexical/splitIdentifier.ts';
import { bodyCount, commentCount, nameCount } from '../lexical/types.ts';
import type { FileRole } from '../model.ts';
import { widened } from '../widened.ts';
import { roomFor } from './numberSet.ts';
import { PathCells } from './pathCells.ts';
import { Postings } from './postings.ts';
import type { SearchableFile } from './types.ts';

/** A folder as far as its files are in the index. */
export interface Folder {
  /** A small number of its own, for arrays with a cell a folder. */
  readonly number: number;
  /** Files directly in it. */
  files: number;
}

/** What files are about by their names: `router` of router.go and of router_test.go. */
export interface Subject {
  readonly name: string;
  /** A small number of its own, for arrays with a cell a subject. */
  readonly number: number;
}

/** A stem of paths, and the files that have it in theirs. */
export interface PathStem {
  readonly root: string;
  /** A small number of its own, for arrays with a cell a stem. */
  readonly number: number;
  /** Places of the files that have it in their paths. */
  readonly places: Set<number>;
}

/** Numbers of roles, for arrays. */
export const roleNumbers: Record<FileRole, number> = {
  source: 0,
  test: 1,
  docs: 2,
  example: 3,
  generated: 4,
  config: 5,
  vendored: 6,
};

export interface IndexedFile {
  path: string;
  /** A small number of its own, for arrays with a cell a file. */
  place: number;
  folder: Folder;
  language: string;
  role: FileRole;
  firstChunk: number;
  chunkCount: number;
  /** The file's name without extension and without what marks a test. */
  subject: Subject;
  /** It only declares what others define. */
  isDeclaration: boolean;
}

const isDeclaration = (path: string): boolean => /\.d\.[cm]?ts$|\.pyi$/.test(path);

/** Files that are called after their directory. */
const directoryFiles = new Set(['index', 'mod', 'lib', 'main', '__init__', 'init', 'package', 'readme']);

export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

function withoutExtension(fileName: string): string {
  const dot = fileName.indexOf('.', 1);
  return dot < 0 ? fileName : fileName.slice(0, dot);
}

function nameWords(path: string): string {
  const parts = path.split('/');
  const name = withoutExtension(parts.at(-1)!);
  return directoryFiles.has(name.toLowerCase()) && parts.length > 1 ? parts.at(-2)! : name;
}

function subjectOf(path: string): string {
  const name = withoutExtension(path.slice(path.lastIndexOf('/') + 1));
  return name
    .replace(/(?:[_-]?(?:tests?|specs?|it)|(?:Tests?|Specs?|IT))$/, '')
    .replace(/^(?:tests?|specs?)[_-]/i, '')
    .toLowerCase();
}

/** The first two letters, as a number: no text is made for it. */
const beginningOf = (text: string): number => text.charCodeAt(0) * 65_536 + text.charCodeAt(1);

/** Of all chunks, for one state of the table and one pair of weights. */
interface LengthNorms {
  version: number;
  k1: number;
  b: number;
  values: Float64Array;
}

const noNorms: LengthNorms = { version: -1, k1: 0, b: 0, values: new Float64Array(0) };

const stemsOf = (text: string): ReadonlySet<string> => new Set(termsOfText(text).map(stem));

/** The columns of the search index: what is known of each chunk, by its number, and of each file. */
export class ChunkTable {
  readonly files = new Map<string, IndexedFile>();
  readonly pathStems = new Map<string, PathStem>();
  /** Places of files that are gone. */
  readonly #freePlaces: number[] = [];
  readonly #folders = new Map<string, Folder>();
  readonly #subjects = new Map<string, Subject>();
  /** By number; those of stems that no path has any more are given away again. */
  readonly #pathStemAt: (PathStem | undefined)[] = [];
  readonly #freeStems: number[] = [];
  /** Stems of paths by their first letters. */
  readonly #stemsByBeginning = new Map<number, Set<PathStem>>();
  readonly postings = new Postings();
  /** Start line, end line, tokens of each chunk. */
  lines: number[] = [];
  textLength: number[] = [];
  nameLength: number[] = [];
  /** Chunks that have a file. */
  live = 0;
  /** Of each chunk the place of its file; -1 for one of a removed file. */
  #placeOf = new Int32Array(0);
  #size = 0;
  readonly #byPlace: (IndexedFile | undefined)[] = [];
  /** By place the numbers of a file's role, subject and folder: walks over thousands of files touch nothing else. */
  readonly roleAt: number[] = [];
  readonly subjectAt: number[] = [];
  readonly folderAt: number[] = [];
  /** By place a file's first chunk, how many it has, and whether it only declares. */
  readonly firstChunkAt: number[] = [];
  readonly chunkCountAt: number[] = [];
  readonly isDeclarationAt: boolean[] = [];
  /** Stems of all words of the paths; the own name of index.ts, mod.rs and the like is that of their directory. */
  readonly pathCells = new PathCells();
  /** How many different stems the words of the file's own name have. */
  readonly nameStemsAt: number[] = [];
  /** Raised by every change. */
  #version = 0;
  readonly #norms: Record<'text' | 'name', LengthNorms> = { text: noNorms, name: noNorms };
  #fileLengths = new Float64Array(0);
  #lengthsOf = -1;
  #totalText = 0;
  #totalNames = 0;

  /** Chunk numbers are below it; some may be of removed files. */
  get size(): number {
    return this.#size;
  }

  /** Places of files are below it. */
  get places(): number {
    return this.#byPlace.length;
  }

  /** Numbers of folders are below it. */
  get folders(): number {
    return this.#folders.size;
  }

  /** Numbers of subjects are below it. */
  get subjects(): number {
    return this.#subjects.size;
  }

  /** Another one after every change: what was worked out from all files or chunks is out of date then. */
  get version(): number {
    return this.#version;
  }

  /** Undefined for a chunk of a removed file. */
  fileOf(chunk: number): IndexedFile | undefined {
    return this.#byPlace[this.#placeOf[chunk]!];
  }

  /** By chunk, the place of its file; -1 for a chunk of a removed file. */
  get placeOf(): Int32Array {
    return this.#placeOf;
  }

  /** The file with this place. */
  fileAt(place: number): IndexedFile {
    return this.#byPlace[place]!;
  }

  /** Stems of paths that begin with the same two letters as this one. */
  pathStemsLike(root: string): Iterable<PathStem> {
    return this.#stemsByBeginning.get(beginningOf(root)) ?? [];
  }

  /** By chunk, what its length adds to the denominator of BM25: k1 (1 - b + b length / mean). */
  lengthNorms(field: 'text' | 'name', k1: number, b: number): Float64Array {
    const known = this.#norms[field];
    if (known.version === this.#version && known.k1 === k1 && known.b === b) return known.values;
    const lengths = field === 'name' ? this.nameLength : this.textLength;
    const mean = this.#meanLength(field);
    const values = known.values.length < this.#size ? new Float64Array(roomFor(this.#size)) : known.values;
    for (let chunk = 0; chunk < this.#size; chunk++) values[chunk] = k1 * (1 - b + (b * lengths[chunk]!) / mean);
    this.#norms[field] = { version: this.#version, k1, b, values };
    return values;
  }

  /** By place, how many chunks a file has, next to the mean of all files. */
  fileLengths(): Float64Array {
    if (this.#lengthsOf === this.#version) return this.#fileLengths;
    const mean = this.live / Math.max(1, this.files.size) || 1;
    this.#fileLengths = Float64Array.from(this.chunkCountAt, (chunks) => chunks / mean);
    this.#lengthsOf = this.#version;
    return this.#fileLengths;
  }

  /** Mean length of a field over live chunks, at least a little above nothing. */
  #meanLength(field: 'text' | 'name'): number {
    return (field === 'name' ? this.#totalNames : this.#totalText) / Math.max(1, this.live) || 1;
  }

  /** Numbers of stems of paths are below it. */
  get pathStemNumbers(): number {
    return this.#pathStemAt.length;
  }

  /** Adds a file or replaces what was known under its path. */
  put(file: SearchableFile): void {
    this.remove(file.path);
    this.#version++;
    const entry: IndexedFile = {
      path: file.path,
      place: this.#freePlaces.pop() ?? this.#byPlace.length,
      folder: this.#enter(folderOf(file.path)),
      language: file.language,
      role: file.role,
      firstChunk: this.#size,
      chunkCount: file.chunks.length / 3,
      subject: this.#subject(subjectOf(file.path)),
      isDeclaration: isDeclaration(file.path),
    };
    this.files.set(file.path, entry);
    this.#byPlace[entry.place] = entry;
    this.roleAt[entry.place] = roleNumbers[entry.role];
    this.subjectAt[entry.place] = entry.subject.number;
    this.folderAt[entry.place] = entry.folder.number;
    this.firstChunkAt[entry.place] = entry.firstChunk;
    this.chunkCountAt[entry.place] = entry.chunkCount;
    this.isDeclarationAt[entry.place] = entry.isDeclaration;
    this.#putPath(entry);
    for (let i = 0; i < entry.chunkCount; i++) this.#putChunk(entry, file, i);
  }

  #putPath({ path, place }: IndexedFile): void {
    const nameStems = stemsOf(nameWords(path));
    const stems = Array.from(stemsOf(path), (root) => this.#pathStem(root));
    for (const { places } of stems) places.add(place);
    this.pathCells.put(
      place,
      stems.map(({ root, number }) => ({ stem: number, isInName: nameStems.has(root) })),
    );
    this.nameStemsAt[place] = nameStems.size;
  }

  #removePath(place: number): void {
    for (const number of this.pathCells.stemsOf(place)) {
      const each = this.#pathStemAt[number]!;
      each.places.delete(place);
      if (each.places.size === 0) this.#dropPathStem(each);
    }
    this.pathCells.remove(place);
  }

  /** Call it after much has been added, `all` when little more will be: postings then take less memory and time. */
  settle(all: boolean): void {
    if (!all && !this.postings.isFoldDue) return;
    this.postings.fold((chunk) => (this.#placeOf[chunk]! < 0 ? -1 : chunk));
  }

  #pathStem(root: string): PathStem {
    const known = this.pathStems.get(root);
    if (known !== undefined) return known;
    const number = this.#freeStems.pop() ?? this.#pathStemAt.length;
    const made: PathStem = { root, number, places: new Set() };
    this.#pathStemAt[number] = made;
    this.pathStems.set(root, made);
    const beginning = beginningOf(root);
    const alike = this.#stemsByBeginning.get(beginning);
    if (alike === undefined) this.#stemsByBeginning.set(beginning, new Set([made]));
    else alike.add(made);
    return made;
  }

  #dropPathStem(stemOfPaths: PathStem): void {
    this.pathStems.delete(stemOfPaths.root);
    this.#pathStemAt[stemOfPaths.number] = undefined;
    this.#freeStems.push(stemOfPaths.number);
    const beginning = beginningOf(stemOfPaths.root);
    const alike = this.#stemsByBeginning.get(beginning)!;
    alike.delete(stemOfPaths);
    if (alike.size === 0) this.#stemsByBeginning.delete(beginning);
  }

  #subject(name: string): Subject {
    let subject = this.#subjects.get(name);
    if (subject === undefined) this.#subjects.set(name, (subject = { name, number: this.#subjects.size }));
    return subject;
  }

  /** The folder of one more file. */
  #enter(path: string): Folder {
    let folder = this.#folders.get(path);
    if (folder === undefined) this.#folders.set(path, (folder = { number: this.#folders.size, files: 0 }));
    folder.files++;
    return folder;
  }

  #putChunk(entry: IndexedFile, { chunks, words }: SearchableFile, i: number): void {
    const chunk = this.#size++;
    if (chunk >= this.#placeOf.length) this.#placeOf = widened(this.#placeOf, roomFor(this.#size));
    this.#placeOf[chunk] = entry.place;
    let text = 0;
    let names = 0;
    for (let pair = words.chunkOffsets[i]!; pair < words.chunkOffsets[i + 1]!; pair++) {
      const counts = words.counts[pair]!;
      this.postings.add(words.termIds[pair]!, chunk, counts);
      text += bodyCount(counts) + commentCount(counts);
      names += nameCount(counts);
    }
    this.lines.push(chunks[3 * i]!, chunks[3 * i + 1]!, chunks[3 * i + 2]!);
    this.textLength.push(text);
    this.nameLength.push(names);
    this.live++;
    this.#totalText += text;
    this.#totalNames += names;
  }

  remove(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    this.#version++;
    this.files.delete(path);
    this.#freePlaces.push(file.place);
    this.#byPlace[file.place] = undefined;
    this.chunkCountAt[file.place] = 0;
    this.#removePath(file.place);
    file.folder.files--;
    for (let chunk = file.firstChunk; chunk < file.firstChunk + file.chunkCount; chunk++) {
      this.#placeOf[chunk] = -1;
      this.live--;
      this.#totalText -= this.textLength[chunk]!;
      this.#totalNames -= this.nameLength[chunk]!;
    }
    if (this.#size > 1024 && this.live * 2 < this.#size) this.#compact();
  }

  /** Drops what removed files left behind. */
  #compact(): void {
    const newChunk = new Int32Array(this.#size).fill(-1);
    const kept: number[] = [];
    for (let chunk = 0; chunk < this.#size; chunk++) {
      if (this.#placeOf[chunk]! < 0) continue;
      newChunk[chunk] = kept.length;
      kept.push(chunk);
    }
    for (const file of this.files.values()) {
      if (file.chunkCount === 0) continue;
      file.firstChunk = newChunk[file.firstChunk]!;
      this.firstChunkAt[file.place] = file.firstChunk;
    }
    this.postings.fold((chunk) => newChunk[chunk]!);
    this.#placeOf = Int32Array.from(kept, (chunk) => this.#placeOf[chunk]!);
    this.#size = kept.length;
    this.lines = kept.flatMap((chunk) => this.lines.slice(3 * chunk, 3 * chunk + 3));
    this.textLength = kept.map((chunk) => this.textLength[chunk]!);
    this.nameLength = kept.map((chunk) => this.nameLength[chunk]!);
  }
}
