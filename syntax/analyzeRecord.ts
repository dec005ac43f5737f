import { digestChunks } from '../core/chunk/digestChunks.ts';
import type { WordAnalyzer } from '../core/lexical/analyzeWords.ts';
import type { TextScanner } from '../core/lexical/scanText.ts';
import type { FileRole } from '../core/model.ts';
import type { FileRecord } from '../core/records/fileRecord.ts';
import { encodeChunks, encodeLinks, encodeSymbols } from '../core/records/fileRecords.ts';
import { fileRole } from '../core/roles/fileRole.ts';
import type { WordPiece } from '../core/tokens/wordPiece.ts';
import { analyzeText, type AnalyzeOptions } from './analyzeText.ts';
import type { Syntax } from './parser.ts';

export interface RecordAnalyzerParts {
  syntax: Syntax;
  wordPiece: WordPiece;
  scanner: TextScanner;
  /** Made with this scanner. */
  words: WordAnalyzer;
  /** 32 bytes, of the text as UTF-8. */
  sha256: (text: string) => Uint8Array;
}

/** How much of a file decides its role (generated headers stand at the top). */
const headCharacters = 2_000;

export const roleOfText = (path: string, text: string): FileRole => fileRole(path, text.slice(0, headCharacters));

export type RecordAnalyzer = (
  path: string,
  text: string,
  options: Pick<AnalyzeOptions, 'deadlineMs' | 'keepTreeAs'>,
) => Promise<{
  record: FileRecord;
  /** What could not be done as it should: for the status, once each. */
  notes: string[];
}>;

/** A text to what an index keeps of it. Never throws for what a text may hold; throws for bugs. */
export function createRecordAnalyzer(parts: RecordAnalyzerParts): RecordAnalyzer {
  const { syntax, wordPiece, scanner, words, sha256 } = parts;
  return async (path, text, options) => {
    const scanned = scanner.scan(text);
    const parsed = await analyzeText(path, text, { ...options, wordPiece, syntax, scanned });
    return {
      notes: parsed.notes,
      record: {
        language: parsed.language,
        role: roleOfText(path, text),
        chunkedBy: parsed.chunkedBy,
        lineCount: scanned.tokens.lineCount,
        syntaxErrors: parsed.syntaxErrors,
        chunks: encodeChunks(parsed.chunks),
        chunkCount: parsed.chunks.length,
        digests: digestChunks(parsed.chunks, { text, lineStarts: scanned.lineStarts, sha256 }),
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
