import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CodeGraph } from '../../core/graph/codeGraph.ts';
import type { GraphFile } from '../../core/graph/types.ts';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { analyzeText, openSyntax, type Syntax } from '../../syntax/index.ts';

/** Texts by path. */
export type Files = Record<string, string>;

const dist = path.resolve(import.meta.dirname, '../../dist');
const wordPiece = createWordPiece(readFileSync(path.join(dist, 'wordpiece.txt'), 'utf8'));
let syntax: Promise<Syntax> | undefined;

/** The grammars, loaded once for all tests. */
export function syntaxForTests(): Promise<Syntax> {
  syntax ??= openSyntax({ wasmFile: path.join(dist, 'web-tree-sitter.wasm'), grammarDir: path.join(dist, 'grammars') });
  return syntax;
}

/** A file as the index would give it to the graph, and what could not be read in it. */
export async function analyze(file: string, text: string): Promise<{ file: GraphFile; notes: string[] }> {
  const { language, symbols, links, notes } = await analyzeText(file, text, {
    syntax: await syntaxForTests(),
    wordPiece,
    deadlineMs: 5_000,
  });
  return { file: { path: file, language, symbols, links }, notes };
}

/** The graph of these files, read by the real grammars. */
export async function graphOf(files: Files): Promise<CodeGraph> {
  const graph = new CodeGraph();
  for (const [path, text] of Object.entries(files)) {
    const { file, notes } = await analyze(path, text);
    assert.deepEqual(notes, []);
    graph.put(file);
  }
  return graph;
}
