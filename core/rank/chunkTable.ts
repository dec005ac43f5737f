import { stem } from '../lexical/stem.ts';
import { termsOfText } from '../lexical/splitIdentifier.ts';
import { bodyCount, commentCount, nameCount } from '../lexical/types.ts';
import type { FileRole } from '../model.ts';
import { Postings } from './postings.ts';
import type { SearchableFile } from './types.ts';

/** A folder as far as its files are in the index. */
export interface Folder {
  /** Files directly in it. */
  files: number;
}

/** A stem of paths, and the files that have it in theirs. */
export interface PathStem {
  readonly root: string;
  readonly files: Set<IndexedFile>;
}

export interface IndexedFile {
  path: string;
  /** A small number of its own, for arrays with a cell a file. */
  place: number;
  folder: Folder;
  language: string;
  role: FileRole;
  firstChunk: number;
  chunkCount: number;
  /** Stems of all words of the path. */
  pathStems: readonly PathStem[];
  /** Stems of the words of the file's own name (of its directory's for index.ts, mod.rs and the like). */
  nameStems: ReadonlySet<string>;
  /** The file's name without extension and without what marks a test: `router` of router_test.go. */
  subject: string;
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

const stemsOf = (text: string): ReadonlySet<string> => new Set(termsOfText(text).map(stem));

/** The columns of the search index: what is known of each chunk, by its number, and of each file. */
export class ChunkTable {
  readonly files = new Map<string, IndexedFile>();
  readonly pathStems = new Map<string, PathStem>();
  /** Places of files that are gone. */
  readonly #freePlaces: number[] = [];
  readonly #folders = new Map<string, Folder>();
  readonly postings = new Postings();
  /** Start line, end line, tokens of each chunk. */
  lines: number[] = [];
  textLength: number[] = [];
  nameLength: number[] = [];
  /** Chunks that have a file. */
  live = 0;
  #file: (IndexedFile | undefined)[] = [];
  #places = 0;
  #totalText = 0;
  #totalNames = 0;

  /** Chunk numbers are below it; some may be of removed files. */
  get size(): number {
    return this.#file.length;
  }

  /** Places of files are below it. */
  get places(): number {
    return this.#places;
  }

  /** Undefined for a chunk of a removed file. */
  fileOf(chunk: number): IndexedFile | undefined {
    return this.#file[chunk];
  }

  /** Mean length of a field over live chunks, at least a little above nothing. */
  meanLength(field: 'text' | 'name'): number {
    return (field === 'name' ? this.#totalNames : this.#totalText) / Math.max(1, this.live) || 1;
  }

  /** Adds a file or replaces what was known under its path. */
  put(file: SearchableFile): void {
    this.remove(file.path);
    const entry: IndexedFile = {
      path: file.path,
      place: this.#freePlaces.pop() ?? this.#places++,
      folder: this.#enter(folderOf(file.path)),
      language: file.language,
      role: file.role,
      firstChunk: this.#file.length,
      chunkCount: file.chunks.length / 3,
      pathStems: Array.from(stemsOf(file.path), (root) => this.#pathStem(root)),
      nameStems: stemsOf(nameWords(file.path)),
      subject: subjectOf(file.path),
      isDeclaration: isDeclaration(file.path),
    };
    this.files.set(file.path, entry);
    for (const { files } of entry.pathStems) files.add(entry);
    for (let i = 0; i < entry.chunkCount; i++) this.#putChunk(entry, file, i);
  }

  /** Call it after much has been added, `all` when little more will be: postings then take less memory and time. */
  settle(all: boolean): void {
    if (!all && !this.postings.isFoldDue) return;
    this.postings.fold((chunk) => (this.#file[chunk] === undefined ? -1 : chunk));
  }

  #pathStem(root: string): PathStem {
    let known = this.pathStems.get(root);
    if (known === undefined) this.pathStems.set(root, (known = { root, files: new Set() }));
    return known;
  }

  /** The folder of one more file. */
  #enter(path: string): Folder {
    let folder = this.#folders.get(path);
    if (folder === undefined) this.#folders.set(path, (folder = { files: 0 }));
    folder.files++;
    return folder;
  }

  #putChunk(entry: IndexedFile, { chunks, words }: SearchableFile, i: number): void {
    const chunk = this.#file.length;
    let text = 0;
    let names = 0;
    for (let pair = words.chunkOffsets[i]!; pair < words.chunkOffsets[i + 1]!; pair++) {
      const counts = words.counts[pair]!;
      this.postings.add(words.termIds[pair]!, chunk, counts);
      text += bodyCount(counts) + commentCount(counts);
      names += nameCount(counts);
    }
    this.#file.push(entry);
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
    this.files.delete(path);
    this.#freePlaces.push(file.place);
    for (const { root, files } of file.pathStems) {
      files.delete(file);
      if (files.size === 0) this.pathStems.delete(root);
    }
    file.folder.files--;
    for (let chunk = file.firstChunk; chunk < file.firstChunk + file.chunkCount; chunk++) {
      this.#file[chunk] = undefined;
      this.live--;
      this.#totalText -= this.textLength[chunk]!;
      this.#totalNames -= this.nameLength[chunk]!;
    }
    if (this.#file.length > 1024 && this.live * 2 < this.#file.length) this.#compact();
  }

  /** Drops what removed files left behind. */
  #compact(): void {
    const newChunk = new Int32Array(this.#file.length).fill(-1);
    const kept: number[] = [];
    this.#file.forEach((file, chunk) => {
      if (file === undefined) return;
      newChunk[chunk] = kept.length;
      kept.push(chunk);
    });
    for (const file of this.files.values()) {
      if (file.chunkCount > 0) file.firstChunk = newChunk[file.firstChunk]!;
    }
    this.postings.fold((chunk) => newChunk[chunk]!);
    this.#file = kept.map((chunk) => this.#file[chunk]);
    this.lines = kept.flatMap((chunk) => this.lines.slice(3 * chunk, 3 * chunk + 3));
    this.textLength = kept.map((chunk) => this.textLength[chunk]!);
    this.nameLength = kept.map((chunk) => this.nameLength[chunk]!);
  }
}
