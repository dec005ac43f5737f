import { readFileSync } from 'node:fs';
import path from 'node:path';
import { chunkText, modelText } from '../../core/chunk/embeddingInput.ts';
import { lineStartsOf, sliceLines } from '../../core/lexical/lineStarts.ts';
import { createTextScanner } from '../../core/lexical/scanText.ts';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { assetsDir } from '../../server/engine/assets.ts';
import { readSource } from '../../server/indexing/discovery/readSource.ts';
import { discoverFiles } from '../../server/indexing/discovery/discover.ts';
import { toOsPath } from '../../server/indexing/discovery/workspacePath.ts';
import { analyzeText, openSyntax } from '../../syntax/index.ts';

/** `model`: as the model is given it, without most signs; `code`: scope line and lines as they stand. */
export type TextKind = 'model' | 'code';

/** The texts of a repository's chunks, in the order of its files: the product's own chunks. */
export async function chunkTexts(root: string, kind: TextKind): Promise<string[]> {
  const wordPiece = createWordPiece(readFileSync(path.join(assetsDir, 'wordpiece.txt'), 'utf8'));
  const scanner = createTextScanner(wordPiece.count);
  const syntax = await openSyntax({
    wasmFile: path.join(assetsDir, 'web-tree-sitter.wasm'),
    grammarDir: path.join(assetsDir, 'grammars'),
  });
  const settings = { exclude: [], include: [], maxFileKb: 1024 };
  const texts: string[] = [];
  for await (const batch of discoverFiles({ root, indexDir: path.join(root, '.contextkit'), settings })) {
    for (const file of batch.files) {
      const source = readSource(toOsPath(root, file.path), file, settings);
      if (source.kind === 'skip') continue;
      const { text } = source;
      const scanned = scanner.scan(text);
      const { chunks } = await analyzeText(file.path, text, { wordPiece, syntax, deadlineMs: 10_000, scanned });
      const starts = lineStartsOf(text);
      for (const { startLine, endLine, scope } of chunks) {
        const whole = chunkText(scope, sliceLines(text, starts, startLine, endLine));
        texts.push(kind === 'model' ? modelText(whole) : whole);
      }
    }
  }
  return texts.filter((text) => text !== '');
}

/** So many of them, evenly spread. */
export function sampleOf<T>(all: readonly T[], count: number): T[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}
