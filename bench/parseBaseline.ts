import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Language as Grammar, Parser } from 'web-tree-sitter';
import { assetsDir } from '../server/engine/assets.ts';
import { discoverFiles } from '../server/indexing/discovery/discover.ts';
import { languageOf } from '../syntax/index.ts';

/** What an index cannot do without: each file with a grammar parsed once, one thread, texts in memory. Milliseconds. */
export async function parseOnOneThread(root: string): Promise<number> {
  await Parser.init({ locateFile: () => path.join(assetsDir, 'web-tree-sitter.wasm') });
  const parser = new Parser();
  const grammars = new Map<string, Grammar>();
  const files: { grammar: string; text: string }[] = [];
  const settings = { exclude: [], include: [], maxFileKb: 1024 };
  for await (const batch of discoverFiles({ root, indexDir: path.join(root, '.contextkit'), settings })) {
    for (const file of batch.files) {
      const grammar = languageOf(file.path)?.grammar;
      if (grammar !== undefined) files.push({ grammar, text: readFileSync(path.join(root, file.path), 'utf8') });
    }
  }
  for (const { grammar } of files) {
    if (!grammars.has(grammar))
      grammars.set(grammar, await Grammar.load(readFileSync(path.join(assetsDir, 'grammars', `${grammar}.wasm`))));
  }
  const started = performance.now();
  for (const { grammar, text } of files) {
    parser.setLanguage(grammars.get(grammar)!);
    parser.parse(text)?.delete();
  }
  return performance.now() - started;
}
