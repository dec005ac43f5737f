import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CodeGraph } from '../../core/graph/codeGraph.ts';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { assetsDir } from '../../server/engine/assets.ts';
import { discoverFiles } from '../../server/indexing/discovery/discover.ts';
import { analyzeText, openSyntax } from '../../syntax/index.ts';

/** The graph of a folder, analysed in this process, without an index. */
export async function graphOf(root: string): Promise<CodeGraph> {
  const syntax = await openSyntax({
    wasmFile: path.join(assetsDir, 'web-tree-sitter.wasm'),
    grammarDir: path.join(assetsDir, 'grammars'),
  });
  const wordPiece = createWordPiece(readFileSync(path.join(assetsDir, 'wordpiece.txt'), 'utf8'));
  const graph = new CodeGraph();
  const settings = { exclude: [], include: [], maxFileKb: 1024 };
  for await (const batch of discoverFiles({ root, indexDir: path.join(root, '.contextkit'), settings })) {
    for (const file of batch.files) {
      const text = readFileSync(path.join(root, file.path), 'utf8');
      const { language, symbols, links } = await analyzeText(file.path, text, {
        syntax,
        wordPiece,
        deadlineMs: 10_000,
      });
      graph.put({ path: file.path, language, symbols, links });
    }
  }
  return graph;
}
