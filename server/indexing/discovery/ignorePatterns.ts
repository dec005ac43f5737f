import { compileWildcard, matchesWildcard, mayMatchBelow, type Wildcard } from './wildcard.ts';

/** Where a decision comes from: printed as `.gitignore:12: *.log`. */
export interface IgnoreRule {
  /** The ignore file (relative to the workspace folder if it lies inside) or the name of a setting. */
  source: string;
  /** 1-based line in the file; 0 for a rule that stands in no file. */
  line: number;
  pattern: string;
}

export const formatRule = (rule: IgnoreRule): string =>
  rule.line === 0 ? `${rule.source}: ${rule.pattern}` : `${rule.source}:${rule.line}: ${rule.pattern}`;

/** One line of an ignore file. `Name` patterns hold no slash and look at the last path part only. */
export interface IgnorePattern {
  rule: IgnoreRule;
  /** Position in its list; later patterns win. */
  index: number;
  negated: boolean;
  directoryOnly: boolean;
  nameOnly: boolean;
  kind: 'literal' | 'suffix' | 'wildcard' | 'never';
  /** Plain text to compare with: all of it, the part behind `*`, or what stands before the first wildcard. */
  literal: string;
  wildcard: Wildcard | null;
}

/** The patterns of one file. They apply to what lies below the folder whose path is `baseLength` characters long. */
export interface PatternList {
  patterns: IgnorePattern[];
  /** Length of the base folder's path with its final '/', counted in the byte text that is matched. */
  baseLength: number;
  /** What outranks what when an ignored folder is opened again (see ignoreRules.ts). */
  rank: number;
}

export interface PatternMatch {
  pattern: IgnorePattern;
  list: PatternList;
}

/**
 * Paths and patterns are compared byte by byte, as git does: a string in which each character is one byte.
 * Folding covers ASCII only, also as in git.
 */
export function toByteText(path: string, foldCase: boolean): string {
  const bytes = /^[\x00-\x7f]*$/.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1');
  return foldCase ? lowerAscii(bytes) : bytes;
}

const lowerAscii = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

const fromByteText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** The lines of an ignore file as git reads them: BOM, CR before LF, comments and unescaped trailing spaces go. */
export function parseIgnoreFile(content: Uint8Array, source: string, foldCase: boolean): IgnorePattern[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  const lines = (bytes.startsWith('\xef\xbb\xbf') ? bytes.slice(3) : bytes).split('\n');
  const patterns: IgnorePattern[] = [];
  lines.forEach((line, i) => {
    if (line === '' || line.startsWith('#')) return;
    const text = trimTrailingSpaces(cutAtNul(line.endsWith('\r') ? line.slice(0, -1) : line));
    if (text === '') return;
    patterns.push(
      compilePattern(text, { source, line: i + 1, pattern: fromByteText(text) }, patterns.length, foldCase),
    );
  });
  return patterns;
}

/** Patterns that come from a setting, one each. */
export function compilePatterns(texts: readonly string[], source: string, foldCase: boolean): IgnorePattern[] {
  return texts
    .map((text) => ({ pattern: text, bytes: trimTrailingSpaces(toByteText(text, false)) }))
    .filter(({ bytes }) => bytes !== '')
    .map(({ pattern, bytes }, i) => compilePattern(bytes, { source, line: 0, pattern }, i, foldCase));
}

function cutAtNul(line: string): string {
  const nul = line.indexOf('\0');
  return nul === -1 ? line : line.slice(0, nul);
}

function trimTrailingSpaces(line: string): string {
  let end = 0;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') {
      if (i + 1 >= line.length) return line;
      i++;
      end = i + 1;
    } else if (line[i] !== ' ') end = i + 1;
  }
  return line.slice(0, end);
}

function compilePattern(text: string, rule: IgnoreRule, index: number, foldCase: boolean): IgnorePattern {
  const negated = text.startsWith('!');
  const whole = negated ? text.slice(1) : text;
  const directoryOnly = whole.endsWith('/');
  let body = directoryOnly ? whole.slice(0, -1) : whole;
  const nameOnly = !body.includes('/');
  if (body.startsWith('/')) body = body.slice(1);
  return { rule, index, negated, directoryOnly, nameOnly, ...compileBody(body, nameOnly, foldCase) };
}

function compileBody(
  body: string,
  nameOnly: boolean,
  foldCase: boolean,
): Pick<IgnorePattern, 'kind' | 'literal' | 'wildcard'> {
  const fold = (text: string): string => (foldCase ? lowerAscii(text) : text);
  const plain = plainLength(body);
  if (body === '') return { kind: 'never', literal: '', wildcard: null };
  if (plain === body.length) return { kind: 'literal', literal: fold(body), wildcard: null };
  if (nameOnly && body.startsWith('*') && plainLength(body.slice(1)) === body.length - 1) {
    return { kind: 'suffix', literal: fold(body.slice(1)), wildcard: null };
  }
  const wildcard = compileWildcard(body, plain, foldCase);
  if (wildcard === null) return { kind: 'never', literal: '', wildcard };
  return { kind: 'wildcard', literal: fold(body.slice(0, plain)), wildcard };
}

function plainLength(text: string): number {
  const special = /[*?[\\]/.exec(text);
  return special === null ? text.length : special.index;
}

/**
 * The last pattern of the list that matches, negated or not; null if none does.
 * `text` is the byte text of the path, `nameAt` the index at which its last part begins.
 */
export function lastMatch(list: PatternList, text: string, nameAt: number, isDirectory: boolean): PatternMatch | null {
  for (let i = list.patterns.length - 1; i >= 0; i--) {
    const pattern = list.patterns[i]!;
    if (pattern.directoryOnly && !isDirectory) continue;
    if (matches(pattern, text, pattern.nameOnly ? nameAt : list.baseLength)) return { pattern, list };
  }
  return null;
}

function matches(pattern: IgnorePattern, text: string, from: number): boolean {
  const { kind, literal } = pattern;
  if (kind === 'literal') return text.length - from === literal.length && text.startsWith(literal, from);
  if (kind === 'suffix') return text.length - from >= literal.length && text.endsWith(literal);
  if (kind === 'never') return false;
  return text.startsWith(literal, from) && matchesWildcard(pattern.wildcard!, text, from);
}

/** Could `pattern` match anything below the folder `text` (byte text, ends in '/')? Patterns without a slash always could. */
export function couldMatchBelow(pattern: IgnorePattern, list: PatternList, text: string): boolean {
  if (pattern.kind === 'never') return false;
  if (pattern.nameOnly) return true;
  const below = text.length - list.baseLength;
  if (pattern.kind === 'literal') {
    return pattern.literal.length > below && pattern.literal.startsWith(text.slice(list.baseLength));
  }
  return mayMatchBelow(pattern.wildcard!, text, list.baseLength);
}
