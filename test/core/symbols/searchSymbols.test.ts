import assert from 'node:assert/strict';
import type { CodeSymbol, FileRole, SymbolKind } from '../../../core/model.ts';
import { searchSymbols } from '../../../core/symbols/searchSymbols.ts';

const symbol = (
  name: string,
  line: number,
  container: string[] = [],
  kind: SymbolKind = container.length > 0 ? 'method' : 'class',
): CodeSymbol => ({
  name,
  kind,
  line,
  startLine: line,
  endLine: line,
  signature: name,
  container,
});

describe('searchSymbols', () => {
  const definitions = new Map<string, CodeSymbol[]>([
    ['binding/binding.go', [symbol('Engine', 66, ['StructValidator']), symbol('EngineRoom', 80)]],
    ['binding/validator.go', [symbol('Engine', 88, [], 'method')]],
    ['gin.go', [symbol('engine', 5), symbol('Engine', 92)]],
    ['gin_test.go', [symbol('Engine', 3)]],
  ]);
  const roleOf = (path: string): FileRole => (path.includes('_test') ? 'test' : 'source');
  const find = (limit: number): string[] =>
    searchSymbols(definitions, roleOf, { name: 'Engine', match: 'any', limit }).map(
      ({ path, line }) => `${path}:${line}`,
    );

  it('puts exact names before others, sources before tests, and what stands for itself before members', () => {
    assert.deepEqual(find(10), [
      'gin.go:92',
      'binding/validator.go:88',
      'binding/binding.go:66',
      'gin_test.go:3',
      'gin.go:5',
      'binding/binding.go:80',
    ]);
  });

  it('gives the best ones where not all are wanted', () => {
    assert.deepEqual(find(2), ['gin.go:92', 'binding/validator.go:88']);
  });
});
