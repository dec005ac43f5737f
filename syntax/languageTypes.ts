import type { SymbolKind } from '../core/model.ts';

/** Characters of a signature that are kept. */
export const maxSignature = 240;

/** How one language is recognised and read. */
export interface Language {
  id: string;
  /** With the dot, lower case. */
  extensions: readonly string[];
  fileNames?: readonly string[];
  /** Interpreter names in a `#!` line. */
  interpreters?: readonly string[];
  /** Name of dist/grammars/<grammar>.wasm; none: the text is chunked by headings or lines. */
  grammar?: string;
  /**
   * Tree-sitter query. A pattern captures a definition under its kind and its name as `@name`;
   * `@comment` and `@doc` capture comments and doc strings.
   */
  query?: string;
  /** Node types that stay with what follows them, besides comments. */
  leading?: readonly string[];
  /** Where the body of a definition begins, for its signature, if not in the field `body`. */
  bodies?: readonly string[];
  /** Node type of a body that stands after its definition, not in it. */
  bodyFollows?: string;
  /** Definition whose name is only a part of it, e.g. `impl Trait for Type`. */
  embedded?: 'svelte' | 'vue';
}

export const symbolKinds: ReadonlySet<string> = new Set<SymbolKind>([
  'class',
  'interface',
  'struct',
  'enum',
  'trait',
  'type',
  'function',
  'method',
  'constructor',
  'property',
  'constant',
  'variable',
  'module',
  'macro',
  'section',
]);

/**
 * Patterns of the form `(node name: (_) @name) @kind`, one for each node type.
 * (Not a Record of kinds: `constructor` is one of them, and every object has that.)
 */
export function definitions(nodeTypes: Readonly<Record<string, string>>): string {
  return Object.entries(nodeTypes)
    .flatMap(([kind, nodes]) => {
      if (!symbolKinds.has(kind)) throw new RangeError(`there is no kind of symbol called ${kind}`);
      return nodes.split(' ').map((node) => `(${node} name: (_) @name) @${kind}`);
    })
    .join('\n');
}
