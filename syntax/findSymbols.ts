import type { Node, Query, Tree } from 'web-tree-sitter';
import type { FileLinks } from '../core/graph/types.ts';
import type { CodeSymbol, SymbolKind } from '../core/model.ts';
import { LinkCollector } from './collectLinks.ts';
import { maxSignature, symbolKinds, type Language } from './languageTypes.ts';

export interface Findings {
  symbols: CodeSymbol[];
  /** Flat, sorted, disjoint [start, end) offsets of comments and doc strings. */
  comments: Int32Array;
  links: FileLinks;
}

const maxName = 200;

const lineOf = (node: Node): number => node.startPosition.row + 1;

/** The last line with something of the node on it: some nodes end with the newline after them. */
function endLineOf(node: Node): number {
  const { row, column } = node.endPosition;
  return column === 0 && row > node.startPosition.row ? row : row + 1;
}

/** From the beginning of the definition to its body, or its first line. */
function signatureOf(text: string, node: Node, bodies: readonly string[]): string {
  const body =
    node.childForFieldName('body') ??
    // `const name = (…) => …`
    node.childForFieldName('value')?.childForFieldName('body') ??
    node.namedChildren.find((child) => child !== null && bodies.includes(child.type)) ??
    null;
  const end = body === null ? Math.min(node.endIndex, node.startIndex + 2 * maxSignature) : body.startIndex;
  const whole = text.slice(node.startIndex, Math.min(end, node.startIndex + 4 * maxSignature));
  const shown = body === null ? firstStatement(whole) : whole;
  const folded = shown
    .replace(/\s+/g, ' ')
    .replace(/\s*(?:=>|[{:=])?\s*$/, '')
    .trim();
  return folded.length > maxSignature ? `${folded.slice(0, maxSignature - 1)}…` : folded;
}

/** Without a body: up to the end of the line, or of the line that closes the parameters. */
function firstStatement(text: string): string {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if ('([{<'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === '\n' && depth <= 0) return text.slice(0, i);
  }
  return text.split('\n', 1)[0]!;
}

interface Found {
  node: Node;
  name: Node;
  kind: SymbolKind;
}

/** The body of a definition whose grammar puts it after the signature; the definition itself if it has none. */
function withBody(node: Node, bodyType: string): Node {
  const next = node.nextNamedSibling ?? (node.parent?.endIndex === node.endIndex ? node.parent.nextNamedSibling : null);
  return next?.type === bodyType ? next : node;
}

/** Containers by nesting of offsets; symbols come sorted by start, outer ones first. */
function withContainers(
  found: readonly Found[],
  text: string,
  bodies: readonly string[],
  bodyFollows: string | undefined,
): CodeSymbol[] {
  const open: { end: number; name: string; kind: SymbolKind }[] = [];
  return found.map(({ node, name, kind }) => {
    while (open.length > 0 && open.at(-1)!.end <= node.startIndex) open.pop();
    const last = bodyFollows === undefined ? node : withBody(node, bodyFollows);
    const symbolName = text.slice(name.startIndex, name.endIndex).replace(/\s+/g, ' ').trim().slice(0, maxName);
    const symbol: CodeSymbol = {
      name: symbolName,
      kind: kind === 'function' && isMember(open.at(-1)?.kind) ? 'method' : kind,
      line: lineOf(name),
      startLine: lineOf(node),
      endLine: endLineOf(last),
      signature: signatureOf(text, node, bodies),
      container: open.map((outer) => outer.name),
    };
    open.push({ end: last.endIndex, name: symbolName, kind: symbol.kind });
    return symbol;
  });
}

const isMember = (outer: SymbolKind | undefined): boolean =>
  outer === 'class' || outer === 'trait' || outer === 'interface' || outer === 'struct';

/** Two patterns may find the same definition: the more telling kind stays. */
function distinct(found: readonly Found[]): Found[] {
  const byPlace = new Map<string, Found>();
  for (const each of found) {
    const key = `${each.name.startIndex}`;
    const before = byPlace.get(key);
    const vague =
      before === undefined ||
      before.kind === 'constant' ||
      before.kind === 'variable' ||
      (before.kind === 'function' && each.kind === 'method');
    if (vague) byPlace.set(key, each);
  }
  return [...byPlace.values()].sort(
    (a, b) => a.node.startIndex - b.node.startIndex || b.node.endIndex - a.node.endIndex,
  );
}

function disjoint(ranges: [number, number][]): Int32Array {
  ranges.sort((a, b) => a[0] - b[0]);
  const flat: number[] = [];
  for (const [start, end] of ranges) {
    const last = flat.length - 1;
    if (last > 0 && start < flat[last]!) flat[last] = Math.max(flat[last]!, end);
    else flat.push(start, end);
  }
  return Int32Array.from(flat);
}

/** Definitions, comments, calls, imports and types of variables in one pass of the language's query. */
export function findSymbols(
  tree: Tree,
  query: Query,
  text: string,
  { id, bodies = [], bodyFollows }: Pick<Language, 'id' | 'bodies' | 'bodyFollows'>,
): Findings {
  const found: Found[] = [];
  const comments: [number, number][] = [];
  const links = new LinkCollector(id, text);
  for (const { captures } of query.matches(tree.rootNode)) {
    let name: Node | undefined;
    let definition: Node | undefined;
    let kind: string | undefined;
    let others: Map<string, Node> | undefined;
    for (const capture of captures) {
      if (capture.name === 'name') name = capture.node;
      else if (capture.name === 'comment' || capture.name === 'doc')
        comments.push([capture.node.startIndex, capture.node.endIndex]);
      else if (symbolKinds.has(capture.name)) {
        definition = capture.node;
        kind = capture.name;
      } else (others ??= new Map()).set(capture.name, capture.node);
    }
    if (name !== undefined && definition !== undefined)
      found.push({ node: definition, name, kind: kind as SymbolKind });
    else if (others !== undefined) links.add(others);
  }
  return {
    symbols: withContainers(distinct(found), text, bodies, bodyFollows),
    comments: disjoint(comments),
    links: links.finish(
      new Map(found.map(({ name }) => [name.startIndex, text.slice(name.startIndex, name.endIndex)])),
    ),
  };
}
