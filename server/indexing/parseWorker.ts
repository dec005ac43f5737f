/** A worker thread that turns paths into analysed files: read, hash, decode, parse, chunk, count words. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { createWordAnalyzer } from '../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../core/lexical/scanText.ts';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { openSyntax } from '../../syntax/index.ts';
import { createFileAnalyzer } from './analyzeFile.ts';
import type { ParseJob, ParseOutcome, ParseReply, ParseWorkerData } from './parseProtocol.ts';

if (parentPort === null) throw new Error('parseWorker runs as a worker thread only');
const port = parentPort;
const { assetsDir, root, position } = workerData as ParseWorkerData;
const current = new Int32Array(position);

async function start(): Promise<(job: ParseJob) => Promise<ParseOutcome[]>> {
  const wordPiece = createWordPiece(readFileSync(path.join(assetsDir, 'wordpiece.txt'), 'utf8'));
  const syntax = await openSyntax({
    wasmFile: path.join(assetsDir, 'web-tree-sitter.wasm'),
    grammarDir: path.join(assetsDir, 'grammars'),
  });
  const scanner = createTextScanner(wordPiece.count);
  const words = createWordAnalyzer(scanner);
  const analyze = createFileAnalyzer({ root, syntax, wordPiece, scanner, words });
  return async (job) => {
    const outcomes: ParseOutcome[] = [];
    words.startBatch();
    for (const [index, file] of job.files.entries()) {
      Atomics.store(current, 0, index);
      outcomes.push(await analyze(file, job));
    }
    Atomics.store(current, 0, -1);
    return outcomes;
  };
}

/** Typed arrays travel without a copy. */
function buffersOf(outcomes: readonly ParseOutcome[]): ArrayBuffer[] {
  return outcomes.flatMap((outcome) =>
    outcome.kind === 'analyzed'
      ? [
          outcome.file.words.chunkOffsets,
          outcome.file.words.termIds,
          outcome.file.words.counts,
          outcome.file.chunks,
          outcome.file.symbols,
          outcome.file.links,
          outcome.file.digests,
        ].map((array) => array.buffer as ArrayBuffer)
      : [],
  );
}

const ready = start();
// Requests are worked on in order; a failure outside a single file is the worker's death, which the pool handles.
let last: Promise<unknown> = ready;
port.on('message', (job: ParseJob) => {
  last = last.then(async () => {
    const outcomes = await (await ready)(job);
    const reply: ParseReply = { id: job.id, outcomes };
    port.postMessage(reply, buffersOf(outcomes));
  });
  last.catch((error: unknown) => {
    throw error;
  });
});
