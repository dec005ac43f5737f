import type { ReferencePlaces as ReferencePaths } from '../../core/graph/answerTypes.ts';
import type { ImportLink } from '../../core/graph/types.ts';
import type { HistoryMark } from '../../core/history/types.ts';
import type { MapFile } from '../../core/pack/packMap.ts';
import type { FileRecord } from '../../core/records/fileRecord.ts';
import type { RankingWeights } from '../../core/rank/weights.ts';
import type { Chunk, ChunkedBy, CodeSymbol, FileRole, SkipReason } from '../../core/model.ts';

export type {
  FileRange,
  FoundNames,
  FoundSymbolRow,
  GraphAnswer,
  GraphEdge,
  GraphQuery,
  GraphSymbol,
  ReferenceQuery,
  ReferenceRow,
  SymbolQuery,
  UsedSymbol,
} from '../../core/graph/answerTypes.ts';

/** Where references of a name can be, with what the index knows of the files. */
export interface ReferencePlaces extends Omit<ReferencePaths, 'paths'> {
  files: KnownFile[];
}

/** What change detection compares, cheapest first. */
export interface FileStamp {
  /** Bytes. */
  size: number;
  mtimeMs: number;
  inode: number;
}

/**
 * A file as a parse worker hands it over. Its records are packed there, as they are stored: bytes travel between
 * threads without a copy, where lists of objects are taken apart and put together again.
 */
export interface AnalyzedFile extends FileStamp, FileRecord {
  path: string;
  /** Hex digest of the bytes on disk. */
  hash: string;
}

/** A path that is not indexed although it is not ignored, with what was known when that was decided. */
export interface SkippedRecord extends FileStamp {
  path: string;
  reason: SkipReason;
  detail: string;
}

export interface KnownFile extends FileStamp {
  path: string;
  hash: string;
}

/** What the index knows of a path: at most one of the two. */
export interface KnownPath {
  path: string;
  file: KnownFile | null;
  skipped: SkippedRecord | null;
}

/** What the index knows of one file, without its words. */
export interface StoredFile extends KnownFile {
  language: string;
  role: FileRole;
  chunkedBy: ChunkedBy;
  lineCount: number;
  syntaxErrors: boolean;
  chunks: Chunk[];
  symbols: CodeSymbol[];
  imports: ImportLink[];
}

/** A file that is asked for by who may hold what the index knew of it. */
export interface FileWanted {
  path: string;
  /** `FileNow.version` of what is held. */
  held: number | undefined;
}

/** What the index knows of a file now. */
export interface FileNow {
  path: string;
  /** Another one after each change of what is known of its content; never the same one twice while a store is open. */
  version: number;
  /** Null when that is what is held. */
  file: StoredFile | null;
}

/** What the index knows of the past. */
export interface StoredHistory extends HistoryMark {
  /** How many. */
  commits: number;
}

export interface StoreCounts {
  files: number;
  chunks: number;
  symbols: number;
  lines: number;
  /** Largest first. */
  languages: { language: string; files: number }[];
  truncatedChunks: number;
  filesWithSyntaxErrors: number;
  generation: number;
  /** ISO time of the last completed run that changed something. */
  lastIndexedAt: string | null;
  /** Size of index.db; 0 before the first checkpoint. */
  diskBytes: number;
}

/** One save: all of it or nothing becomes visible. */
/** A file with the content of another one that the index has. */
export interface FileCopy extends FileStamp {
  path: string;
  hash: string;
  role: FileRole;
  /** Path of the other one. */
  of: string;
}

export interface StoreUpdate {
  put: AnalyzedFile[];
  touch: ({ path: string } & FileStamp)[];
  remove: string[];
  skip: SkippedRecord[];
  unskip: string[];
}

export interface SearchRequest {
  limit: number;
  /** Folders or globs; empty means everything. */
  sources: string[];
  explain?: boolean;
  /** In place of the default ones. */
  weights?: RankingWeights;
  /** Vector of the question; without it words alone decide. */
  vector?: QuestionVector;
}

/** Vectors of two models say nothing of each other: each goes with the fingerprint of its own. */
export interface QuestionVector {
  /** One that `openVectors` was told of. */
  model: string;
  /** Of unit length. */
  values: Float32Array;
}

/** Chunks without a vector. */
export interface ChunkGaps {
  /** Of each chunk its file and its place among the chunks of the file. */
  paths: string[];
  indexes: number[];
  /** 16 bytes each. */
  digests: Uint8Array;
}

/** Vectors of chunks. */
export interface ChunkVectors extends ChunkGaps {
  /** Fingerprint. */
  model: string;
  /** `dimensions` numbers each, of unit length. */
  vectors: Float32Array<ArrayBuffer>;
}

/** A chunk that has no vector, with what is needed to read and embed it. */
export interface ChunkToEmbed {
  index: number;
  startLine: number;
  endLine: number;
  scope: string;
  digest: Uint8Array;
}

export interface FileToEmbed extends KnownFile {
  chunks: ChunkToEmbed[];
}

/** How many chunks have a vector. */
export interface VectorCounts {
  embedded: number;
  chunks: number;
}

export interface MapRequest {
  /** Empty for a map of the whole. */
  query: string;
  /** Folders or globs; empty means everything. */
  sources: string[];
  /** Definitions are given until they make up so many characters. */
  characters: number;
  /** For the ranges that answer the query; in place of the default ones. */
  weights?: RankingWeights;
  /** As that of a search. */
  vector?: QuestionVector;
}

/** The files of a map, with what is known of them for looking whether they have changed. */
export interface MapAnswer {
  files: { map: MapFile; known: KnownFile }[];
  /** All definitions that could have been given. */
  total: number;
}
