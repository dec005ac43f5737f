import type { CodeSymbol, SymbolKind } from '../model.ts';
import type { NameMatch } from '../symbols/matchName.ts';
import type { CallTreeRequest } from './callTree.ts';
import type { Occurrence, OccurrenceKind } from './types.ts';

/** Questions about definitions, and their answers. */

export interface FoundSymbolRow extends CodeSymbol {
  path: string;
  match: NameMatch;
}

export interface SymbolQuery {
  name: string;
  /** `any` takes every way of `matchName`, best first. */
  match: 'exact' | 'prefix' | 'any';
  limit: number;
}

export interface GraphQuery extends Omit<CallTreeRequest, 'isLess'> {
  /** A name, or `Type.member`. */
  symbol: string;
  /** Only definitions in this file or folder. */
  path?: string;
}

/** A definition as the graph answers it. */
export interface GraphSymbol {
  name: string;
  kind: SymbolKind;
  path: string;
  line: number;
  signature: string;
  container: string[];
}

export interface GraphEdge {
  /** Null for calls at the top of a file. */
  caller: GraphSymbol | null;
  callee: GraphSymbol;
  path: string;
  lines: number[];
  depth: number;
}

export interface GraphAnswer {
  /** One entry a definition of the name, source files first. */
  definitions: { symbol: GraphSymbol; callers: GraphEdge[]; callees: GraphEdge[]; truncated: boolean }[];
  /** Definitions of the name that are not answered, for there are too many. */
  more: number;
}

export interface ReferenceQuery {
  /** A name, or `Type.member`. */
  symbol: string;
  /** Only definitions in this file or folder. */
  path?: string;
}

/** Where references of a name can be. */
export interface ReferencePlaces {
  /** Those of source files first. */
  definitions: GraphSymbol[];
  /** Under which they are used. */
  names: string[];
  /** Source files first. */
  paths: string[];
  /** Definitions of the name that are left out, for there are too many. */
  more: number;
}

/** Places of names in a file. */
export interface FoundNames {
  path: string;
  occurrences: Occurrence[];
}

/** A use of a definition. */
export interface ReferenceRow {
  path: string;
  line: number;
  /** In characters, from 1. */
  column: number;
  kind: OccurrenceKind | 'call';
  /** The line, white space around it left out, at most 200 characters. */
  text: string;
  /** The innermost definition around it; null at the top of a file. */
  inside: GraphSymbol | null;
}

/** Lines of a file. */
export interface FileRange {
  path: string;
  startLine: number;
  endLine: number;
}

/** A definition that some lines use. */
export interface UsedSymbol extends GraphSymbol {
  startLine: number;
  endLine: number;
}
