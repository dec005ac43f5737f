import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ChangeHistory } from '../../../core/history/changeHistory.ts';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { TermDictionary } from '../../../core/lexical/termDictionary.ts';
import { SearchIndex } from '../../../core/rank/searchIndex.ts';
import type { RankedChunk, SearchOptions } from '../../../core/rank/types.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';
import { meaningOf } from '../../../core/vectors/meaningOf.ts';
import { VectorTable } from '../../../core/vectors/vectorTable.ts';

const module = new WebAssembly.Module(readFileSync(path.resolve(import.meta.dirname, '../../../dist/vectorScan.wasm')));
const dimensions = 64;

/** A vector of unit length in the plane of the axes 0 and 1, so many degrees from the question, which is axis 0. */
function at(degrees: number): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[0] = Math.cos((degrees * Math.PI) / 180);
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
}

interface File {
  text: string;
  /** Of its only chunk; without it the chunk has no vector. */
  degrees?: number;
}

function build(files: Record<string, File>): { index: SearchIndex; table: VectorTable } {
  const terms = new TermDictionary();
  const index = new SearchIndex(terms);
  const table = new VectorTable(module, dimensions);
  const scanner = createTextScanner(() => 0);
  const analyzer = createWordAnalyzer(scanner);
  for (const [name, { text, degrees }] of Object.entries(files)) {
    const chunks = [{ startLine: 1, endLine: 1, tokens: 5, scope: '', truncated: false }];
    const words = analyzer.analyze({ scanned: scanner.scan(text), chunks, comments: [], symbols: [] });
    const termIds = Uint32Array.from(words.termIds, (id) => terms.idOf(words.terms[id]!));
    const chunkLines = Uint32Array.from([1, 1, 5]);
    index.put({ path: name, language: 'text', role: 'source', chunks: chunkLines, words: { ...words, termIds } });
    const digest = createHash('sha256').update(name).digest().subarray(0, 16);
    table.place(name, digest);
    if (degrees !== undefined) assert.ok(table.put(name, 0, digest, at(degrees)));
  }
  return { index, table };
}

/** As `meaningOf` gives it, but for the nearness of single chunks: only the feedback is looked at. */
function feedbackOf(table: VectorTable): Pick<SearchOptions, 'vectors'> {
  const { vectors } = meaningOf(table, at(0), 10);
  return vectors === undefined ? {} : { vectors };
}

const pathsOf = (ranked: readonly RankedChunk[]): string[] => ranked.map((each) => each.path);
const scoresOf = (ranked: readonly RankedChunk[]): number[] => ranked.map(({ score }) => score);

/** Four files of the question's words about one thing, then two with fewer of them: one of another thing, one of the same. */
const files: Record<string, File> = {
  'a.ts': { text: 'lens lens lens lens lens', degrees: 60 },
  'b.ts': { text: 'lens lens lens lens', degrees: 61 },
  'c.ts': { text: 'lens lens lens', degrees: 59 },
  'd.ts': { text: 'lens lens', degrees: 60 },
  'other.ts': { text: 'lens and the cloth', degrees: -60 },
  'same.ts': { text: 'lens and the cloth of it', degrees: 62 },
};
const byWords = ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'other.ts', 'same.ts'];

describe('Feedback from the first files', () => {
  it('puts a file that is like them before one that is not, and the scores stay where they are', () => {
    const { index, table } = build(files);
    const plain = index.search('lens', { limit: 10 });
    assert.deepEqual(pathsOf(plain), byWords);
    const ranked = index.search('lens', { limit: 10, ...feedbackOf(table) });
    assert.deepEqual(pathsOf(ranked), ['a.ts', 'b.ts', 'c.ts', 'd.ts', 'same.ts', 'other.ts']);
    assert.deepEqual(scoresOf(ranked), scoresOf(plain));
    assert.deepEqual(index.search('lens', { limit: 10 }), plain, 'a later search by words is not disturbed');
  });

  it('leaves the first files where they are, however unlike the others they are', () => {
    const { index, table } = build({ ...files, 'a.ts': { text: files['a.ts']!.text, degrees: -80 } });
    const ranked = index.search('lens', { limit: 10, ...feedbackOf(table) });
    assert.deepEqual(pathsOf(ranked).slice(0, 4), byWords.slice(0, 4));
  });

  it('leaves a file where it is that the question names', () => {
    const { index, table } = build(files);
    const question = 'lens in other.ts';
    const plain = pathsOf(index.search(question, { limit: 10 }));
    assert.equal(plain[0], 'other.ts');
    assert.deepEqual(pathsOf(index.search(question, { limit: 10, ...feedbackOf(table) }))[0], 'other.ts');
    const named = build({ ...files, 'e.ts': { text: 'lens of a lens', degrees: 60 } });
    const frames = 'lens at a.ts b.ts c.ts d.ts other.ts same.ts e.ts';
    const inOrder = pathsOf(named.index.search(frames, { limit: 10 }));
    assert.deepEqual(pathsOf(named.index.search(frames, { limit: 10, ...feedbackOf(named.table) })), inOrder);
  });

  it('takes a file without a vector to be as much alike as others on average', () => {
    const { text } = files['same.ts']!;
    const { index, table } = build({
      ...files,
      'other.ts': { text: files['other.ts']!.text },
      'same.ts': { text, degrees: -60 },
    });
    assert.deepEqual(pathsOf(index.search('lens', { limit: 10, ...feedbackOf(table) })), byWords);
  });

  it('changes nothing where no file has a vector, and where its weight is 0', () => {
    const bare = build(Object.fromEntries(Object.entries(files).map(([name, { text }]) => [name, { text }])));
    const plain = bare.index.search('lens', { limit: 10 });
    assert.deepEqual(meaningOf(bare.table, at(0), 10), {});
    const unrelated = build({ ...files, 'far.ts': { text: 'cloth', degrees: 0 } });
    unrelated.table.retain((name) => name === 'far.ts');
    const ranked = unrelated.index.search('lens', { limit: 10, ...feedbackOf(unrelated.table) });
    assert.deepEqual(pathsOf(ranked), pathsOf(plain));
    const { index, table } = build(files);
    const weights = { ...defaultWeights, feedback: { ...defaultWeights.feedback, most: 0 } };
    assert.deepEqual(pathsOf(index.search('lens', { limit: 10, weights, ...feedbackOf(table) })), byWords);
  });

  it('is weaker where past changes take part', () => {
    const { index, table } = build(files);
    const strong = { ...defaultWeights.feedback, most: 0.9, besideHistory: 0 };
    const weights = { ...defaultWeights, feedback: strong };
    const signals = (): ChangeHistory => new ChangeHistory([]);
    const ask = (history: Pick<SearchOptions, 'signals'>): string[] =>
      pathsOf(index.search('lens', { limit: 10, weights, ...feedbackOf(table), ...history }));
    assert.deepEqual(ask({ signals }), byWords);
    assert.notDeepEqual(ask({}), byWords);
    assert.notDeepEqual(ask({ signals: () => null }), byWords, 'nothing is known of the past');
  });

  it('gives the first results of a longer list, and says in its parts what a file gained', () => {
    const { index, table } = build(files);
    const options = { ...feedbackOf(table), explain: true };
    const all = index.search('lens', { limit: 10, ...options });
    assert.deepEqual(index.search('lens', { limit: 5, ...options }), all.slice(0, 5));
    for (const { parts, score, path: name } of all) {
      const value = (wanted: string): number => parts!.find((each) => each.name === wanted)?.value ?? 0;
      const own = ['text', 'names', 'scope', 'defines', 'more ranges', 'path'].reduce(
        (sum, each) => sum + value(each),
        0,
      );
      const others = ['tests', 'neighbours', 'central', 'changes', 'feedback'].reduce(
        (sum, each) => sum + value(each),
        0,
      );
      const whole = own * value('coverage') * value('prior') + others;
      assert.ok(Math.abs(whole - score) < 1e-4, `${name}: ${whole} is not ${score}`);
    }
    const gained = all.find((each) => each.path === 'same.ts')!.parts!.find(({ name }) => name === 'feedback');
    assert.ok(gained!.value > 0);
    assert.equal(
      all[0]!.parts!.some(({ name }) => name === 'feedback'),
      false,
    );
  });
});
