import type { ImportLink } from '../graph/types.ts';
import type { CodeSymbol, LineRange } from '../model.ts';

/** A file as packing sees it: its text as it is on disk and what is known of it. */
export interface PackFile {
  path: string;
  language: string;
  symbols: readonly CodeSymbol[];
  imports: readonly ImportLink[];
  lineCount: number;
  /** Lines `start` to `end` joined by '\n', no final newline. */
  slice(startLine: number, endLine: number): string;
}

/** A ranked range with its text, best first. */
export interface PackCandidate extends LineRange {
  file: PackFile;
  score: number;
  /** Lines joined by '\n', no final newline. */
  content: string;
  /** Tokens of `content` in the budget's encoding. */
  tokens: number;
}

/**
 * Why a range is in a pack. `body`: it was ranked. `context`: a body needs it to be understood (imports it uses, the
 * headers of the definitions around it). `used`: a definition that a body calls or names.
 */
export type RangeKind = 'body' | 'context' | 'used';

export interface PackedRange extends LineRange {
  /** Its file as it is. */
  file: PackFile;
  kind: RangeKind;
  /** The definitions around it whose headers the pack does not show: `class › method`. */
  scope: string;
  content: string;
}

export interface PackedFile {
  path: string;
  language: string;
  /** By line; never two that touch. */
  ranges: PackedRange[];
}

/** A definition given as its signature or only as its name. */
export interface SignatureLine {
  path: string;
  line: number;
  text: string;
}

/** Lines that the conversation holds already, as they still are. */
export interface HeldRange extends LineRange {
  path: string;
}

/** One line of a repository map: a definition, how deep it is nested, and where it stands. */
export interface MapEntry {
  line: number;
  depth: number;
  signature: string;
  /** Definitions were left out between the entry before and this one. */
  gap: boolean;
}

export interface MappedFile {
  path: string;
  language: string;
  entries: MapEntry[];
  /** Definitions were left out before the first entry or after the last one. */
  more: boolean;
}

export interface FullPack {
  mode: 'full';
  /** In the order of their best range. */
  files: PackedFile[];
  /** Definitions that the bodies use, given as signatures. */
  used: SignatureLine[];
  /** The best of what did not fit, as signatures or names. */
  signatures: SignatureLine[];
  /** Ranked ranges that are not shown as bodies. */
  leftOut: number;
  /** Ranked ranges that are not shown because the conversation holds them. */
  held: HeldRange[];
  /** Ranges that are shown although the conversation holds their lines: they have changed since. */
  renewed: HeldRange[];
}

export interface MapPack {
  mode: 'map';
  /** In rank order. */
  files: MappedFile[];
  /** Definitions that did not fit. */
  leftOut: number;
}

/** What a format renders. */
export type PackDocument = FullPack | MapPack;
