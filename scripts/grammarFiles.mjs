/** Which npm package brings the grammar of which language: `language` names dist/grammars/<language>.wasm. */
export const grammarFiles = [
  { language: 'go', file: 'tree-sitter-go/tree-sitter-go.wasm' },
  { language: 'python', file: 'tree-sitter-python/tree-sitter-python.wasm' },
  { language: 'typescript', file: 'tree-sitter-typescript/tree-sitter-typescript.wasm' },
];
