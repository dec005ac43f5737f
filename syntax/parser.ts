import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Language as Grammar, Parser, Query, type Tree } from 'web-tree-sitter';
import type { Language } from './languageTypes.ts';
import { areSameFaults, editBetween, faultsOf, KeptTrees, type KeptTree } from './keptTrees.ts';
import { linkQueries } from './linkQueries.ts';

/** Every platform this runs on has it; the types of Node do not name it. */
declare const WebAssembly: { Module: new (bytes: Uint8Array) => object };

export interface SyntaxOptions {
  /** web-tree-sitter.wasm */
  wasmFile: string;
  /** Folder of <grammar>.wasm files. */
  grammarDir: string;
}

/** A loaded grammar with its compiled query. */
export interface LoadedGrammar {
  grammar: Grammar;
  query: Query | null;
}

/**
 * Characters handed to the parser at a time. Some grammars (Scala) go back and forth hundreds of thousands of times in a
 * few megabytes, and each time what is handed over is copied: 5,000 at a time make such a parse four times as long.
 */
const readAtOnce = 256;

export interface KeepTreeOptions {
  /** The next parse of the same name goes on from the tree. */
  name: string;
  /** Whether the next parse may go on from it also where something is broken, as long as the same is. */
  withFaults: boolean;
}

/** Tree-sitter for one thread: grammars are loaded when their first file is met. */
export interface Syntax {
  load(language: Language): Promise<LoadedGrammar | null>;
  /**
   * Null when the deadline passed. The caller frees the tree.
   * @param keep has the tree kept for the next parse
   */
  parse(grammar: Grammar, text: string, deadlineMs: number, keep?: KeepTreeOptions): Tree | null;
  /** Grammars that could not be loaded, since the last call. */
  takeProblems(): string[];
}

export async function openSyntax({ wasmFile, grammarDir }: SyntaxOptions): Promise<Syntax> {
  await Parser.init({ locateFile: () => wasmFile });
  const parser = new Parser();
  const loaded = new Map<string, LoadedGrammar | null>();
  const kept = new KeptTrees();
  let problems: string[] = [];

  /** Null when the time is up. */
  function parseFrom(before: Tree | null, text: string, end: number): Tree | null {
    const read = (from: number): string => text.slice(from, from + readAtOnce);
    const tree = parser.parse(read, before, { progressCallback: () => performance.now() > end });
    // A stopped parse would be resumed by the next one.
    if (tree === null) parser.reset();
    return tree;
  }

  /**
   * Only what was changed is parsed (Wagner and Graham 1998, "Efficient and flexible incremental parsing"). Null also
   * where the syntax is broken in another way than before: how errors are recovered from depends on what was parsed
   * before, and the same text has to give the same chunks.
   */
  function parseChanged(before: KeptTree, text: string, end: number, withFaults: boolean): Tree | null {
    const edit = editBetween(before.text, text);
    const faults = withFaults ? faultsOf(before.tree) : [];
    before.tree.edit(edit);
    const tree = parseFrom(before.tree, text, end);
    before.tree.delete();
    if (tree === null || !tree.rootNode.hasError) return tree;
    if (withFaults && areSameFaults(faults, faultsOf(tree), edit)) return tree;
    tree.delete();
    return null;
  }

  function loadGrammar({ id, grammar, query }: Language): LoadedGrammar | null {
    if (grammar === undefined) return null;
    try {
      // At once, on this thread: compiled in the background it waits, for half a second at worst, behind V8's making
      // hot functions of the grammars before it faster.
      const language = Grammar.loadSync(new WebAssembly.Module(readFileSync(path.join(grammarDir, `${grammar}.wasm`))));
      return {
        grammar: language,
        query: query === undefined ? null : new Query(language, `${query}\n${linkQueries[id] ?? ''}`),
      };
    } catch (error) {
      problems.push(
        `${id}: the grammar cannot be used (${error instanceof Error ? error.message : String(error)}); files are chunked by lines`,
      );
      return null;
    }
  }

  return {
    load(language) {
      let grammar = loaded.get(language.id);
      if (grammar === undefined) {
        grammar = loadGrammar(language);
        loaded.set(language.id, grammar);
      }
      return Promise.resolve(grammar);
    },
    parse(grammar, text, deadlineMs, keep) {
      const end = performance.now() + deadlineMs;
      parser.setLanguage(grammar);
      const before = keep && kept.take(keep.name);
      const tree = (before && parseChanged(before, text, end, keep.withFaults)) ?? parseFrom(null, text, end);
      if (keep !== undefined && tree !== null) kept.keep(keep.name, text, tree);
      return tree;
    },
    takeProblems() {
      const taken = problems;
      problems = [];
      return taken;
    },
  };
}
