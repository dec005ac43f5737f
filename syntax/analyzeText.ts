import { chunkLines, chunkMarkdown, markdownSymbols } from '../core/chunk/chunkMarkdown.ts';
import { chunkSource } from '../core/chunk/chunkSource.ts';
import { scopeSeparator, type OutlineNode } from '../core/chunk/types.ts';
import { createTextScanner, type ScannedText } from '../core/lexical/scanText.ts';
import type { FileLinks, ModuleRoot } from '../core/graph/types.ts';
import type { Chunk, ChunkedBy, CodeSymbol } from '../core/model.ts';
import type { WordPiece } from '../core/tokens/wordPiece.ts';
import { blankOutside, scriptBlocks } from './embeddedScripts.ts';
import { findSymbols, type Findings } from './findSymbols.ts';
import { faultsParsedAlike, parsedAlike } from './keptTrees.ts';
import { languageOf, languages, plainText } from './languages.ts';
import type { Language } from './languageTypes.ts';
import { parseManifest } from './parseManifest.ts';
import { outlineOf } from './outline.ts';
import type { Syntax } from './parser.ts';

export interface TextAnalysis {
  /** Language id. */
  language: string;
  chunkedBy: ChunkedBy;
  chunks: Chunk[];
  symbols: CodeSymbol[];
  /** Flat, sorted, disjoint [start, end) UTF-16 offsets of comments and doc strings. */
  comments: Int32Array;
  /** Imports, calls and types of variables as this text writes them. */
  links: FileLinks;
  syntaxErrors: boolean;
  /** What could not be done as it should: for the status, once each. */
  notes: string[];
}

export interface AnalyzeOptions {
  syntax: Syntax;
  wordPiece: WordPiece;
  deadlineMs: number;
  /** Where the text was scanned already. */
  scanned?: ScannedText;
  /** Where the file is likely to be analysed again after a small change: its path, under which its tree is kept. */
  keepTreeAs?: string;
}

interface Parsed extends Findings {
  outline: OutlineNode;
  hasErrors: boolean;
  free: () => void;
}

const noComments = new Int32Array(0);
const noLinks: FileLinks = { roots: [], imports: [], calls: [], bindings: [] };
const typeScript = languages.find(({ id }) => id === 'typescript')!;

/** Parses one language; null when there is no grammar, it cannot be used, or the time is up. */
async function parse(
  language: Language,
  text: string,
  { syntax, deadlineMs, keepTreeAs }: AnalyzeOptions,
): Promise<Parsed | null> {
  const loaded = await syntax.load(language);
  if (loaded === null) return null;
  const keep =
    keepTreeAs !== undefined && parsedAlike.has(language.id)
      ? { name: `${language.id} ${keepTreeAs}`, withFaults: faultsParsedAlike.has(language.id) }
      : undefined;
  const tree = syntax.parse(loaded.grammar, text, deadlineMs, keep);
  if (tree === null) return null;
  const found =
    loaded.query === null
      ? { symbols: [], comments: noComments, links: noLinks }
      : findSymbols(tree, loaded.query, text, language);
  return {
    ...found,
    outline: outlineOf(tree, language.leading),
    hasErrors: tree.rootNode.hasError,
    free: () => tree.delete(),
  };
}

/** A component: the template by its own grammar, the scripts in it as TypeScript at their place. */
async function parseComponent(language: Language, text: string, options: AnalyzeOptions): Promise<Parsed | null> {
  const whole = await parse(language, text, options);
  const script = await parse(typeScript, blankOutside(text, scriptBlocks(text)), options);
  if (whole === null || script === null) {
    script?.free();
    return whole;
  }
  const outline: OutlineNode = {
    ...whole.outline,
    children: () =>
      [...whole.outline.children(), ...script.outline.children()].sort(
        (a, b) => a.startLine - b.startLine || b.endLine - a.endLine,
      ),
  };
  return {
    symbols: script.symbols,
    links: script.links,
    comments: Int32Array.from([...pairs(whole.comments), ...pairs(script.comments)].sort((a, b) => a[0] - b[0]).flat()),
    // A script without its surroundings is whole or not by itself; templates have their own idea of errors.
    hasErrors: script.hasErrors,
    outline,
    free: () => {
      whole.free();
      script.free();
    },
  };
}

function pairs(flat: Int32Array): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

/** What a manifest declares; one that cannot be read declares nothing, and a note says so. */
function declaredRoots(path: string, text: string): { roots: ModuleRoot[]; notes: string[] } {
  try {
    return { roots: parseManifest(path, text) ?? [], notes: [] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {
      roots: [],
      notes: [`${path} cannot be read (${error.message}): imports by the names it declares stay open`],
    };
  }
}

/** Whether this text under one path is to the analysis what it is under the other. */
export function analyzesAlike(path: string, other: string, text: string): boolean {
  const firstLine = text.slice(0, 200).split('\n', 1)[0];
  const rootsOf = (each: string): string => JSON.stringify(declaredRoots(each, text).roots);
  return languageOf(path, firstLine) === languageOf(other, firstLine) && rootsOf(path) === rootsOf(other);
}

/**
 * Language, chunks, definitions and comments of a text: along its syntax where there is a grammar, by headings for
 * Markdown, by lines for everything else. Broken syntax still gives chunks that cover every line once.
 */
export async function analyzeText(path: string, text: string, options: AnalyzeOptions): Promise<TextAnalysis> {
  const language = languageOf(path, text.slice(0, 200).split('\n', 1)[0]);
  const { tokens } = options.scanned ?? createTextScanner(options.wordPiece.count).scan(text);
  const pathTokens = options.wordPiece.count(path);
  const scopeLineTokens = (scope: string): number =>
    scope === '' ? pathTokens : pathTokens + options.wordPiece.count(scopeSeparator + scope);
  const declared = declaredRoots(path, text);
  const base = {
    language: language?.id ?? plainText,
    symbols: [],
    comments: noComments,
    links: { ...noLinks, roots: declared.roots },
    syntaxErrors: false,
  };

  if (language?.id === 'markdown') {
    const symbols = markdownSymbols(text.split('\n').slice(0, tokens.lineCount));
    return {
      ...base,
      chunkedBy: 'headings',
      symbols,
      chunks: chunkMarkdown(tokens, symbols, scopeLineTokens),
      notes: [],
    };
  }
  const parsed =
    language?.grammar === undefined
      ? null
      : language.embedded === undefined
        ? await parse(language, text, options)
        : await parseComponent(language, text, options);
  const notes = [...declared.notes, ...options.syntax.takeProblems()];
  if (parsed === null) return { ...base, chunkedBy: 'lines', chunks: chunkLines(tokens, scopeLineTokens), notes };
  try {
    const { symbols, comments, links, outline, hasErrors } = parsed;
    const chunks = chunkSource({ tokens, outline, definitions: symbols, scopeLineTokens });
    return {
      ...base,
      chunkedBy: 'syntax',
      chunks,
      symbols,
      comments,
      links: { ...links, roots: declared.roots },
      syntaxErrors: hasErrors,
      notes,
    };
  } finally {
    parsed.free();
  }
}
