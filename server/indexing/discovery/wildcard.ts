/**
 * Git's wildmatch with WM_PATHNAME (see gitignore(5) and git's wildmatch.c), as tokens for an iterative matcher.
 *
 * Texts are byte strings: each character stands for one byte of the UTF-8 path, since git's `?` and `[...]` match bytes.
 * With `foldCase` the text must already be lowered (ASCII only), as git's WM_CASEFOLD does.
 */
export interface Wildcard {
  /** A byte, or one of the negative marks below; `classBase - i` stands for `classes[i]`. */
  tokens: number[];
  /** 256 flags each: does the byte belong to the bracket expression. */
  classes: Uint8Array[];
}

const anyByte = -1;
const star = -2;
/** Any text, slashes included. */
const globstar = -3;
/** Nothing, or any text that ends in a slash. */
const globstarSlash = -4;
const classBase = -10;

const slash = 47;
const backslash = 92;
const asterisk = 42;
const questionMark = 63;
const openBracket = 91;
const closeBracket = 93;
const minus = 45;

/**
 * Compiles `pattern`, or returns null for one that can match nothing (an unfinished bracket or escape).
 * `literalLength` leading characters are plain text; git compares them apart and hands only the rest to wildmatch,
 * so that `**` right behind them counts as standing at the start of the pattern.
 */
export function compileWildcard(pattern: string, literalLength: number, foldCase: boolean): Wildcard | null {
  const compiled: Wildcard = { tokens: [], classes: [] };
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern.charCodeAt(at);
    if (at >= literalLength && byte === asterisk) at = compileStars(pattern, at, literalLength, compiled.tokens);
    else if (at >= literalLength && byte === questionMark) {
      compiled.tokens.push(anyByte);
      at++;
    } else if (at >= literalLength && byte === openBracket) {
      const next = compileClass(pattern, at, foldCase, compiled);
      if (next === null) return null;
      at = next;
    } else if (at >= literalLength && byte === backslash) {
      if (at + 1 >= pattern.length) return null;
      // Not lowered: git does not fold an escaped letter either.
      compiled.tokens.push(pattern.charCodeAt(at + 1));
      at += 2;
    } else {
      compiled.tokens.push(foldCase ? lowerByte(byte) : byte);
      at++;
    }
  }
  return compiled;
}

function compileStars(pattern: string, start: number, literalLength: number, tokens: number[]): number {
  let end = start;
  while (pattern.charCodeAt(end) === asterisk) end++;
  const startsPart = start === literalLength || pattern.charCodeAt(start - 1) === slash;
  if (end - start < 2 || !startsPart) {
    tokens.push(star);
    return end;
  }
  if (pattern.charCodeAt(end) === slash) {
    tokens.push(globstarSlash);
    return end + 1;
  }
  const endsPart = end === pattern.length || (pattern[end] === '\\' && pattern[end + 1] === '/');
  tokens.push(endsPart ? globstar : star);
  return end;
}

/** Reads the bracket expression at `open`; returns the index behind it, or null if it is malformed. */
function compileClass(pattern: string, open: number, foldCase: boolean, compiled: Wildcard): number | null {
  const negated = pattern[open + 1] === '!' || pattern[open + 1] === '^';
  const start = open + (negated ? 2 : 1);
  const reader: ClassReader = { pattern, at: start, members: new Uint8Array(256), previous: 0, foldCase };
  // A `]` in first place stands for itself.
  do {
    if (reader.at >= pattern.length || !readMember(reader)) return null;
  } while (pattern.charCodeAt(reader.at) !== closeBracket);
  const members = negated ? reader.members.map((member) => 1 - member) : reader.members;
  members[slash] = 0;
  compiled.tokens.push(classBase - compiled.classes.length);
  compiled.classes.push(members);
  return reader.at + 1;
}

interface ClassReader {
  pattern: string;
  at: number;
  members: Uint8Array;
  /** The byte that a range may begin with; 0 behind a range or a named class. */
  previous: number;
  foldCase: boolean;
}

/** Reads one byte, range or named class; false if it is malformed. */
function readMember(reader: ClassReader): boolean {
  const { pattern, at } = reader;
  const byte = pattern.charCodeAt(at);
  if (byte === minus && reader.previous !== 0 && at + 1 < pattern.length && pattern[at + 1] !== ']') {
    return readRange(reader);
  }
  if (byte === openBracket && pattern[at + 1] === ':') return readNamedClass(reader);
  const member = byte === backslash ? pattern.charCodeAt(at + 1) : byte;
  if (Number.isNaN(member)) return false;
  reader.members[member] = 1;
  reader.previous = member;
  reader.at += byte === backslash ? 2 : 1;
  return true;
}

function readRange(reader: ClassReader): boolean {
  const end = reader.at + (reader.pattern[reader.at + 1] === '\\' ? 2 : 1);
  if (end >= reader.pattern.length) return false;
  addRange(reader.members, reader.previous, reader.pattern.charCodeAt(end), reader.foldCase);
  reader.previous = 0;
  reader.at = end + 1;
  return true;
}

/** `[:alpha:]`; what does not end in `:]` is a plain bracket. */
function readNamedClass(reader: ClassReader): boolean {
  const { pattern, at, members } = reader;
  const close = pattern.indexOf(']', at + 2);
  if (close === -1) return false;
  if (close < at + 3 || pattern[close - 1] !== ':') {
    members[openBracket] = 1;
    reader.previous = openBracket;
    reader.at++;
    return true;
  }
  reader.previous = 0;
  reader.at = close + 1;
  return addNamedClass(members, pattern.slice(at + 2, close - 1), reader.foldCase);
}

function addRange(members: Uint8Array, from: number, to: number, foldCase: boolean): void {
  for (let byte = from; byte <= to; byte++) members[byte] = 1;
  if (!foldCase) return;
  // A lowered letter is also looked up in its upper case.
  for (let upper = 65; upper <= 90; upper++) if (upper >= from && upper <= to) members[upper + 32] = 1;
}

const range = (from: number, to: number) => (byte: number) => byte >= from && byte <= to;
const isDigit = range(48, 57);
const isUpper = range(65, 90);
const isLower = range(97, 122);
const isAlpha = (byte: number): boolean => isUpper(byte) || isLower(byte);
const isGraph = range(33, 126);

const namedClasses: Record<string, (byte: number) => boolean> = {
  alnum: (byte) => isAlpha(byte) || isDigit(byte),
  alpha: isAlpha,
  blank: (byte) => byte === 32 || byte === 9,
  cntrl: (byte) => byte < 32 || byte === 127,
  digit: isDigit,
  graph: isGraph,
  lower: isLower,
  print: range(32, 126),
  punct: (byte) => isGraph(byte) && !isAlpha(byte) && !isDigit(byte),
  space: (byte) => byte === 32 || (byte >= 9 && byte <= 13),
  upper: isUpper,
  xdigit: (byte) => isDigit(byte) || range(65, 70)(byte) || range(97, 102)(byte),
};

function addNamedClass(members: Uint8Array, name: string, foldCase: boolean): boolean {
  const belongs = Object.hasOwn(namedClasses, name) ? namedClasses[name] : undefined;
  if (belongs === undefined) return false;
  for (let byte = 0; byte < 256; byte++) if (belongs(byte)) members[byte] = 1;
  if (foldCase && name === 'upper') for (let byte = 97; byte <= 122; byte++) members[byte] = 1;
  return true;
}

const lowerByte = (byte: number): number => (isUpper(byte) ? byte + 32 : byte);

/** True when the whole of `text`, from index `from` on, matches. */
export function matchesWildcard(wildcard: Wildcard, text: string, from: number): boolean {
  return run(wildcard, text, from, false);
}

/** True when some text that begins with `text` and goes on may match; `text` is a folder path that ends in '/'. */
export function mayMatchBelow(wildcard: Wildcard, text: string, from: number): boolean {
  return run(wildcard, text, from, true);
}

/**
 * Only the latest star and the latest globstar are ever retried: whatever an earlier one could still take,
 * the later one can take as well. So the time is bounded by tokens × length², whatever the pattern.
 */
function run({ tokens, classes }: Wildcard, text: string, from: number, prefixOnly: boolean): boolean {
  const end = text.length;
  let token = 0;
  let at = from;
  let starToken = -1;
  let starAt = 0;
  let deepToken = -1;
  let deepAt = 0;
  for (;;) {
    const wanted = token < tokens.length ? tokens[token]! : undefined;
    if (at === end && (prefixOnly ? wanted !== undefined : onlyEmptyLeft(tokens, token))) return true;
    if (wanted === star) {
      starToken = token++;
      starAt = at;
      continue;
    }
    if (wanted === globstar || wanted === globstarSlash) {
      deepToken = token++;
      deepAt = at;
      starToken = -1;
      continue;
    }
    if (wanted !== undefined && at < end && accepts(wanted, classes, text.charCodeAt(at))) {
      token++;
      at++;
      continue;
    }
    if (starToken !== -1 && starAt < end && text.charCodeAt(starAt) !== slash) {
      at = ++starAt;
      token = starToken + 1;
      continue;
    }
    if (deepToken === -1) return false;
    const next = tokens[deepToken] === globstar ? deepAt + 1 : text.indexOf('/', deepAt) + 1;
    if (next === 0 || next > end) return prefixOnly;
    at = deepAt = next;
    token = deepToken + 1;
    starToken = -1;
  }
}

function onlyEmptyLeft(tokens: number[], token: number): boolean {
  for (; token < tokens.length; token++) {
    const left = tokens[token]!;
    if (left !== star && left !== globstar && left !== globstarSlash) return false;
  }
  return true;
}

function accepts(wanted: number, classes: Uint8Array[], byte: number): boolean {
  if (wanted >= 0) return wanted === byte;
  if (wanted === anyByte) return byte !== slash;
  return classes[classBase - wanted]![byte] === 1;
}
