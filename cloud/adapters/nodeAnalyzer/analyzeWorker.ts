/** A thread that turns texts into records, by the code of the local engine. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { countSymbols, encodeOwnWords } from '../../../core/records/fileRecords.ts';
import { createWordPiece } from '../../../core/tokens/wordPiece.ts';
import { findMinified } from '../../../core/roles/findMinified.ts';
import { skipByPath } from '../../../core/roles/skipByPath.ts';
import { createRecordAnalyzer, openSyntax } from '../../../syntax/index.ts';
import type { SourceAnalysis, SourceText } from '../../ports/sourceAnalyzer.ts';
import type { AnalyzeJob, AnalyzeReply, AnalyzeWorkerData } from './analyzeProtocol.ts';

const port = parentPort!;
const { assetsFolder, parseTimeoutMs, position } = workerData as AnalyzeWorkerData;
const current = new Int32Array(position);

const asset = (...parts: string[]): string => path.join(assetsFolder, ...parts);

async function start(): Promise<(files: readonly SourceText[]) => Promise<SourceAnalysis[]>> {
  const wordPiece = createWordPiece(readFileSync(asset('wordpiece.txt'), 'utf8'));
  const syntax = await openSyntax({ wasmFile: asset('web-tree-sitter.wasm'), grammarDir: asset('grammars') });
  const scanner = createTextScanner(wordPiece.count);
  const words = createWordAnalyzer(scanner);
  const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  const analyzeRecord = createRecordAnalyzer({ syntax, wordPiece, scanner, words, sha256 });

  const analyze = async ({ path: file, text }: SourceText): Promise<SourceAnalysis> => {
    const skip = skipByPath(file);
    if (skip !== null) return { kind: 'skipped', ...skip };
    const minified = findMinified(file, text);
    if (minified !== null) return { kind: 'skipped', reason: 'minified', detail: minified };
    const { record } = await analyzeRecord(file, text, { deadlineMs: parseTimeoutMs });
    return {
      kind: 'analyzed',
      ...record,
      symbolCount: countSymbols(record.symbols),
      words: encodeOwnWords(record.words),
    };
  };

  return async (files) => {
    const analyses: SourceAnalysis[] = [];
    words.startBatch();
    for (const [index, file] of files.entries()) {
      Atomics.store(current, 0, index);
      analyses.push(await analyze(file));
    }
    Atomics.store(current, 0, -1);
    return analyses;
  };
}

const ready = start();
// One after the other; a failure outside of a file is the death of the thread, which the other side deals with.
let last: Promise<unknown> = ready;
port.on('message', ({ id, files }: AnalyzeJob) => {
  last = last.then(async () => {
    const reply: AnalyzeReply = { id, analyses: await (await ready)(files) };
    port.postMessage(reply);
  });
  last.catch((error: unknown) => {
    throw error;
  });
});
