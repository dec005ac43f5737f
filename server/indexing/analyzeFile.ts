import type { WordAnalyzer } from '../../core/lexical/analyzeWords.ts';
import type { TextScanner } from '../../core/lexical/scanText.ts';
import { fileRole } from '../../core/roles/fileRole.ts';
import type { WordPiece } from '../../core/tokens/wordPiece.ts';
import { analyzesAlike, analyzeText, findOccurrences, type Syntax } from '../../syntax/index.ts';
import { digestChunks } from './digestChunks.ts';
import { encodeChunks, encodeLinks, encodeSymbols } from '../store/fileRecords.ts';
import { toOsPath } from './discovery/workspacePath.ts';
import { readSource } from './discovery/readSource.ts';
import type { ParseJob, ParseOutcome, ParseRequest } from './parseProtocol.ts';

export interface FileAnalyzerParts {
  root: string;
  syntax: Syntax;
  wordPiece: WordPiece;
  scanner: TextScanner;
  /** Made with this scanner. */
  words: WordAnalyzer;
}

/** How much of a file decides its role (generated headers stand at the top). */
const headCharacters = 2_000;

export type FileAnalyzer = (
  request: ParseRequest,
  limits: Pick<ParseJob, 'maxFileKb' | 'parseTimeoutMs' | 'find'>,
) => Promise<ParseOutcome>;

/** One file from disk to what the store takes. Never throws for what a file may hold; throws for bugs. */
export function createFileAnalyzer({ root, syntax, wordPiece, scanner, words }: FileAnalyzerParts): FileAnalyzer {
  return async ({ path, stamp, knownHash, twins = [] }, { maxFileKb, parseTimeoutMs, find }) => {
    const source = readSource(toOsPath(root, path), stamp, { maxFileKb });
    if (source.kind === 'skip') {
      return { kind: 'skipped', record: { path, ...source.stamp, reason: source.reason, detail: source.detail } };
    }
    if (find !== undefined) {
      const isKnown = source.hash === knownHash;
      const options = { syntax, deadlineMs: parseTimeoutMs };
      return {
        kind: 'found',
        path,
        occurrences: isKnown ? await findOccurrences(path, source.text, find, options) : null,
      };
    }
    if (source.hash === knownHash) return { kind: 'same', path, stamp: source.stamp };
    const { text, hash } = source;
    const role = fileRole(path, text.slice(0, headCharacters));
    const twin = twins.find((each) => each.hash === hash && analyzesAlike(path, each.path, text));
    if (twin !== undefined) return { kind: 'copy', copy: { path, ...source.stamp, hash, role, of: twin.path } };
    const scanned = scanner.scan(text);
    const parsed = await analyzeText(path, text, { wordPiece, syntax, deadlineMs: parseTimeoutMs, scanned });
    return {
      kind: 'analyzed',
      notes: parsed.notes,
      file: {
        path,
        ...source.stamp,
        hash,
        language: parsed.language,
        role,
        chunkedBy: parsed.chunkedBy,
        lineCount: scanned.tokens.lineCount,
        syntaxErrors: parsed.syntaxErrors,
        chunks: encodeChunks(parsed.chunks),
        chunkCount: parsed.chunks.length,
        digests: digestChunks(parsed.chunks, text, scanned.lineStarts),
        symbols: encodeSymbols(parsed.symbols),
        links: encodeLinks(parsed.links),
        words: words.analyze({
          scanned,
          chunks: parsed.chunks,
          comments: parsed.comments,
          symbols: parsed.symbols,
        }),
      },
    };
  };
}
