import assert from 'node:assert/strict';
import { TermDictionary } from '../../../core/lexical/termDictionary.ts';
import { packCounts } from '../../../core/lexical/types.ts';
import { ChunkTable } from '../../../core/rank/chunkTable.ts';
import { KnownGroups, type GroupFiles } from '../../../core/rank/knownGroups.ts';
import type { GroupColumns } from '../../../core/rank/termGroup.ts';

const words = 120;
const fileCount = 300;

/** Files of one chunk; every second word stands in each, by turns, and every tenth as a name. */
function fill(table: ChunkTable, terms: TermDictionary, path: string, turn: number): void {
  const termIds: number[] = [];
  const counts: number[] = [];
  for (let word = turn % 2; word < words; word += 2) {
    termIds.push(terms.idOf(`word${word}`));
    counts.push(packCounts(1 + ((word + turn) % 5), word % 3, (word + turn) % 10 === 0 ? 1 : 0, 0));
  }
  table.put({
    path,
    language: 'text',
    role: 'source',
    chunks: Uint32Array.from([1, 9, 10]),
    words: {
      chunkOffsets: Uint32Array.from([0, termIds.length]),
      termIds: Uint32Array.from(termIds),
      counts: Uint32Array.from(counts),
    },
  });
}

function filled(): { table: ChunkTable; terms: TermDictionary } {
  const [table, terms] = [new ChunkTable(), new TermDictionary()];
  for (let i = 0; i < fileCount; i++) fill(table, terms, `f${i}.ts`, i);
  return { table, terms };
}

const filesOf = ({ places, shares }: GroupFiles) => ({ places: Array.from(places), shares: Array.from(shares) });

const columns = (groups: KnownGroups, group: GroupColumns) => {
  const entries = ({ chunks, frequency, length }: GroupColumns['text']): [number, number][] =>
    Array.from({ length }, (_, i) => [chunks[i]!, frequency[i]!]);
  return {
    text: entries(group.text),
    name: entries(group.name),
    scope: entries(group.scope),
    ...filesOf(groups.filesOf(group)),
  };
};

describe('Known groups of terms', () => {
  /** What is asked of one that has been asked before, and of one that has not. */
  function assertAlike(groups: KnownGroups, table: ChunkTable, name: string, ids: readonly number[], comment: number) {
    const fresh = new KnownGroups(table);
    assert.deepEqual(
      columns(groups, groups.read(name, ids, { comment, coverageLength: 0.3 })),
      columns(fresh, fresh.read(name, ids, { comment, coverageLength: 0.3 })),
      name,
    );
  }
  const idsOf = (terms: TermDictionary, ...numbers: number[]): number[] =>
    numbers.map((number) => terms.find(`word${number}`)!);

  it('are what reading them anew gives, more of them than are kept', () => {
    const { table, terms } = filled();
    const groups = new KnownGroups(table);
    for (let round = 0; round < 4; round++) {
      for (let word = 0; word < words; word++) {
        assertAlike(groups, table, `word${word}`, idsOf(terms, word), 0.8);
        // Common ones more often than others.
        const other = (word * word) % 7;
        assertAlike(groups, table, `${other}*`, idsOf(terms, other, other + 1, other + 20), 0.8);
      }
    }
  });

  it('are not kept when files come, change or go', () => {
    const { table, terms } = filled();
    const groups = new KnownGroups(table);
    const assertAll = (): void => {
      for (let round = 0; round < 3; round++) {
        for (const word of [0, 1, 10, 11]) {
          assertAlike(groups, table, `word${word}`, idsOf(terms, word), 0.8);
          assertAlike(groups, table, `${word}*`, idsOf(terms, word, word + 1), 0.8);
        }
      }
    };
    assertAll();
    fill(table, terms, 'new.ts', 1);
    assertAll();
    fill(table, terms, 'f7.ts', 2);
    assertAll();
    for (let i = 0; i < 200; i++) table.remove(`f${i}.ts`);
    assertAll();
    table.settle(true);
    assertAll();
  });

  it('are kept for one weight of comments at a time', () => {
    const { table, terms } = filled();
    const groups = new KnownGroups(table);
    for (const comment of [0.8, 0.8, 0.8, 0.3, 0.3, 0.8]) assertAlike(groups, table, 'word1', idsOf(terms, 1), comment);
  });
});
