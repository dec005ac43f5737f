import type { Chunk } from '../model.ts';
import { chunkPieces } from './chunkPieces.ts';
import type { LineTokens } from './lineTokens.ts';
import { chunkTokens, type Definition, type OutlineNode } from './types.ts';

export interface SourceToChunk {
  tokens: LineTokens;
  outline: OutlineNode;
  definitions: readonly Definition[];
  scopeLineTokens: (scope: string) => number;
}

/** Deeper than any real nesting; beyond it lines decide. */
const maxDepth = 200;

/**
 * Chunks along the syntax tree, after the idea of cAST (Zhang et al. 2025) on whole lines: whole definitions where they
 * fit, their parts where they do not, small neighbours merged.
 */
export function chunkSource({ tokens, outline, definitions, scopeLineTokens }: SourceToChunk): Chunk[] {
  if (tokens.lineCount === 0) return [];
  const cuts = new Set<number>([1]);
  const fits = chunkTokens.cap - chunkTokens.special - chunkTokens.scopeLine;

  function visit(node: OutlineNode, depth: number): void {
    let lead: number | undefined;
    let lastEnd = 0;
    for (const child of node.children()) {
      // What leads (comments, decorators) hands its place on to the next sibling that follows without a blank line.
      const start = lead !== undefined && child.startLine <= lastEnd + 1 ? lead : child.startLine;
      if (child.startLine > lastEnd && start > node.startLine && start <= tokens.lineCount) cuts.add(start);
      lead = child.leads ? start : undefined;
      lastEnd = Math.max(lastEnd, child.endLine);
      const large = tokens.sum(child.startLine, Math.min(child.endLine, tokens.lineCount)) > fits;
      if (large && depth < maxDepth && child.endLine > child.startLine) visit(child, depth + 1);
    }
  }

  visit({ ...outline, startLine: 0, children: () => outline.children() }, 0);
  return chunkPieces({ tokens, cuts: [...cuts].sort((a, b) => a - b), definitions, scopeLineTokens });
}
