import assert from 'node:assert/strict';
import { edgeKinds, fileOfNode, nodeOf, reversed, type DefinitionGraph } from '../../core/graph/definitionGraph.ts';
import type { CodeGraph } from '../../core/graph/codeGraph.ts';
import { analyze, graphOf, type Files } from './graphOf.ts';

const shop: Files = {
  'src/app.ts':
    "import { Base, type Item } from './base';\nimport { list } from './list';\nexport class Shop extends Base {\n" +
    '  price(item: Item): number {\n    list();\n    list();\n    return item.price;\n  }\n}\nnew Shop();\n',
  'src/base.ts': 'export class Base {}\nexport interface Item { price: number }\n',
  'src/list.ts': "import { Shop } from './app';\nexport function list(): Shop[] {\n  return list();\n}\n",
};

/** `from -> to weight kinds`, names for nodes. */
function shown(graph: CodeGraph, edges: DefinitionGraph): string[] {
  const byPath = new Map([...graph.files()].map((file) => [file.path, file]));
  const nameOf = (node: number): string => {
    const file = fileOfNode(edges, node);
    const index = node - edges.firstNode[file]! - 1;
    const path = edges.paths[file]!;
    return index < 0 ? path : `${path}:${byPath.get(path)!.symbols[index]!.name}`;
  };
  const lines: string[] = [];
  for (let node = 0; node + 1 < edges.firstEdge.length; node++) {
    for (let edge = edges.firstEdge[node]!; edge < edges.firstEdge[node + 1]!; edge++) {
      const kinds = Object.entries(edgeKinds).filter(([, bit]) => (edges.kinds[edge]! & bit) !== 0);
      lines.push(
        `${nameOf(node)} -> ${nameOf(edges.target[edge]!)} ${edges.weight[edge]!} ${kinds.map(([kind]) => kind).join('+')}`,
      );
    }
  }
  return lines.sort();
}

describe('definition graph', () => {
  it('holds calls, types, bases and imports of definitions, each pair once, none of itself', async () => {
    const graph = await graphOf(shop);
    assert.deepEqual(shown(graph, graph.edges()), [
      'src/app.ts -> src/app.ts:Shop 1 call',
      'src/app.ts -> src/base.ts 0.5 import',
      'src/app.ts -> src/base.ts:Base 1 import',
      'src/app.ts -> src/base.ts:Item 1 import',
      'src/app.ts -> src/list.ts 0.5 import',
      'src/app.ts -> src/list.ts:list 1 import',
      'src/app.ts:Shop -> src/base.ts:Base 1 base',
      'src/app.ts:price -> src/base.ts:Item 2 type',
      'src/app.ts:price -> src/list.ts:list 2 call',
      'src/list.ts -> src/app.ts 1 import',
      'src/list.ts -> src/app.ts:Shop 1 import',
      'src/list.ts:list -> src/app.ts:Shop 1 type',
    ]);
  });

  it('can be read from the other end', async () => {
    const graph = await graphOf(shop);
    const back = reversed(graph.edges());
    assert.ok(shown(graph, back).includes('src/list.ts:list -> src/app.ts:price 2 call'));
    assert.deepEqual(shown(graph, reversed(back)), shown(graph, graph.edges()));
  });

  it('says which files use which, the closest first', async () => {
    const graph = await graphOf(shop);
    assert.deepEqual(graph.neighbours('src/app.ts'), {
      uses: [
        { path: 'src/base.ts', weight: 5.5 },
        { path: 'src/list.ts', weight: 3.5 },
      ],
      usedBy: [{ path: 'src/list.ts', weight: 3 }],
    });
    assert.deepEqual(graph.neighbours('src/list.ts').usedBy, [{ path: 'src/app.ts', weight: 3.5 }]);
    assert.deepEqual(graph.neighbours('missing.ts'), { uses: [], usedBy: [] });
  });

  it('is kept until a file changes', async () => {
    const graph = await graphOf(shop);
    const before = graph.edges();
    assert.equal(graph.edges(), before);
    graph.put((await analyze('src/list.ts', 'export const list = () => 1;\n')).file);
    assert.ok(!shown(graph, graph.edges()).some((line) => line.startsWith('src/list.ts')));
  });

  it('finds nodes of files and symbols', async () => {
    const edges = (await graphOf(shop)).edges();
    const node = nodeOf(edges, 'src/base.ts', 1);
    assert.equal(edges.paths[fileOfNode(edges, node)], 'src/base.ts');
    assert.equal(fileOfNode(edges, nodeOf(edges, 'src/list.ts')), 2);
    assert.equal(nodeOf(edges, 'src/none.ts'), -1);
  });

  it('is empty for no files, and for files without code', async () => {
    assert.equal((await graphOf({})).edges().target.length, 0);
    const edges = (await graphOf({ 'a.md': '# A\n\n## B\n' })).edges();
    assert.deepEqual([edges.target.length, edges.firstEdge.length - 1], [0, 3]);
  });
});
