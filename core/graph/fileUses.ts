import type { CodeGraph } from './codeGraph.ts';

/** A file of the workspace that another one uses. */
export interface FileUse {
  path: string;
  /** By an import, or as a file of a package that is imported as a whole. */
  imported: boolean;
  /** Calls that lead to its definitions. */
  calls: number;
}

/** What a file uses, sorted by path. */
export function usedFilesOf(graph: CodeGraph, path: string): FileUse[] {
  const uses = new Map<string, FileUse>();
  const useOf = (other: string): FileUse => {
    let use = uses.get(other);
    if (use === undefined) uses.set(other, (use = { path: other, imported: false, calls: 0 }));
    return use;
  };
  for (const imported of graph.importsOf(path)) useOf(imported).imported = true;
  for (const callee of graph.filesCalledFrom(path)) if (callee !== path) useOf(callee).calls++;
  return [...uses.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
