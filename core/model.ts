/** The nouns every room shares. Paths are workspace-relative with '/'; lines are 1-based and inclusive. */

/** What a file is for; decides its prior in ranking. */
export type FileRole = 'source' | 'test' | 'docs' | 'example' | 'generated' | 'config' | 'vendored';

export type SymbolKind =
  | 'class'
  | 'interface'
  | 'struct'
  | 'enum'
  | 'trait'
  | 'type'
  | 'function'
  | 'method'
  | 'constructor'
  | 'property'
  | 'constant'
  | 'variable'
  | 'module'
  | 'macro'
  | 'section';

/** A definition. `startLine`..`endLine` is the whole definition, doc comment not included. */
export interface CodeSymbol {
  name: string;
  kind: SymbolKind;
  /** Line that holds the name. */
  line: number;
  startLine: number;
  endLine: number;
  /** First lines of the definition up to its body, white space folded, at most 240 characters. */
  signature: string;
  /** Names of the enclosing definitions, outermost first, e.g. `['Server', 'listen']`. */
  container: string[];
}

/** One range of a file. The chunks of a file cover every line exactly once. */
export interface Chunk {
  startLine: number;
  endLine: number;
  /** Model tokens of the lines themselves, scope line and special tokens not counted. */
  tokens: number;
  /** `class › method` of the innermost definitions that enclose or fill the chunk, '' at top level. */
  scope: string;
  /** A single line longer than the model can see: kept whole here, cut when it is embedded. */
  truncated: boolean;
}

export type ChunkedBy = 'syntax' | 'headings' | 'lines';

export interface LineRange {
  startLine: number;
  endLine: number;
}

/** Why a path is not in the index. */
export type SkipReason =
  | 'ignored' // .gitignore, .git/info/exclude, global excludes, .contextkitignore, exclude setting
  | 'binary'
  | 'too_large'
  | 'minified'
  | 'generated'
  | 'unreadable' // permission, vanished between listing and reading
  | 'not_a_file' // socket, device, broken or outward symbolic link, link loop
  | 'bad_name' // a name that is not valid UTF-8
  | 'timeout' // parsing took too long, also line by line
  | 'crashed'; // a parse worker died on it twice

/** The reasons in words, as they follow "is not indexed:" and counts. */
export const skipReasonNames: Readonly<Record<SkipReason, string>> = {
  ignored: 'ignored',
  binary: 'binary',
  too_large: 'too large',
  minified: 'minified',
  generated: 'generated',
  unreadable: 'unreadable',
  not_a_file: 'not a regular file',
  bad_name: 'name not valid UTF-8',
  timeout: 'took too long to parse',
  crashed: 'crashed the parser',
};
