import type { LineRange } from '../model.ts';

/** A ranked range with its text, best first. */
export interface PackCandidate extends LineRange {
  path: string;
  language: string;
  scope: string;
  score: number;
  /** Lines joined by '\n', no final newline. */
  content: string;
  /** Tokens of `content` in the budget's encoding. */
  tokens: number;
}

export interface PackedRange extends LineRange {
  scope: string;
  content: string;
}

export interface PackedFile {
  path: string;
  language: string;
  ranges: PackedRange[];
}

/** One line of a repository map: a definition, how deep it is nested, and where it stands. */
export interface MapEntry {
  line: number;
  depth: number;
  signature: string;
}

export interface MappedFile {
  path: string;
  language: string;
  entries: MapEntry[];
}

/** What a format renders. */
export type PackDocument =
  { mode: 'full'; files: PackedFile[]; leftOut: number } | { mode: 'map'; files: MappedFile[]; leftOut: number };
