import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { encodeOwnWords } from '../../../core/records/fileRecords.ts';
import { createWordPiece } from '../../../core/tokens/wordPiece.ts';
import type { FileRow } from '../../../cloud/domain/context/contextPorts.ts';
import { createRecordAnalyzer, openSyntax } from '../../../syntax/index.ts';

export const assetsFolder = path.resolve(import.meta.dirname, '../../../dist');

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

async function openAnalyzer() {
  const wordPiece = createWordPiece(readFileSync(path.join(assetsFolder, 'wordpiece.txt'), 'utf8'));
  const syntax = await openSyntax({
    wasmFile: path.join(assetsFolder, 'web-tree-sitter.wasm'),
    grammarDir: path.join(assetsFolder, 'grammars'),
  });
  const scanner = createTextScanner(wordPiece.count);
  const words = createWordAnalyzer(scanner);
  return { words, analyze: createRecordAnalyzer({ syntax, wordPiece, scanner, words, sha256 }) };
}

let analyzer: ReturnType<typeof openAnalyzer> | undefined;

/** Rows as the index service keeps them, made by the analysis of the product. */
export async function rowsOf(files: Readonly<Record<string, string>>): Promise<FileRow[]> {
  const { words, analyze } = await (analyzer ??= openAnalyzer());
  const rows: FileRow[] = [];
  for (const [file, text] of Object.entries(files)) {
    words.startBatch();
    const { record } = await analyze(file, text, { deadlineMs: 10_000 });
    const contentHash = sha256(text).toString('hex');
    rows.push({
      ...record,
      path: file,
      contentHash,
      recordKey: sha256(`${contentHash} ${file}`).toString('hex'),
      words: encodeOwnWords(record.words),
    });
  }
  return rows;
}
