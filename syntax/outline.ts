import type { Node, Tree } from 'web-tree-sitter';
import type { OutlineNode } from '../core/chunk/types.ts';

/** The tree as chunking sees it; nodes are unfolded only where they are asked for. */
export function outlineOf(
  tree: Tree,
  leading: readonly string[] = [],
  replaced?: (node: Node) => readonly OutlineNode[] | null,
): OutlineNode {
  const leads = (type: string): boolean => type.includes('comment') || type === 'haddock' || leading.includes(type);

  function wrap(node: Node): OutlineNode {
    const { row, column } = node.endPosition;
    const startLine = node.startPosition.row + 1;
    return {
      startLine,
      endLine: column === 0 && row + 1 > startLine ? row : row + 1,
      leads: leads(node.type),
      children: () => replaced?.(node) ?? childrenOf(node),
    };
  }

  function childrenOf(node: Node): OutlineNode[] {
    return node.namedChildren.filter((child) => child !== null).map(wrap);
  }

  return wrap(tree.rootNode);
}
