import assert from 'node:assert/strict';
import type { PastCommit } from '../../../core/history/types.ts';
import { decodeHistory, encodeHistory } from '../../../server/store/historyRecord.ts';

const commits: PastCommit[] = [
  {
    id: '0123456789ab',
    time: 1_700_000_000,
    stems: ['größ', 'übersicht', 'ü.ts'],
    files: [{ path: 'ü.ts', from: 'u.ts' }],
  },
  { id: 'ba9876543210', time: 0, stems: [], files: [] },
  { id: 'aaaaaaaaaaaa', time: 0xffff_ffff, stems: ['x'], files: [{ path: 'u.ts' }, { path: 'ü.ts' }] },
];

describe('The record of the history', () => {
  it('gives back what was written', () => assert.deepEqual(decodeHistory(encodeHistory(commits)), commits));

  it('shortens ids, and takes times that cannot be', () => {
    const strange = [-5, Number.NaN, 1e15].map((time) => ({
      id: 'f'.repeat(64),
      time,
      stems: [],
      files: [],
    }));
    const read = decodeHistory(encodeHistory(strange));
    assert.deepEqual(
      read.map(({ time }) => time),
      [0, 0, 0xffff_ffff],
    );
    assert.equal(read[0]!.id.length, 12);
  });

  it('refuses a record that ends too early', () => {
    const bytes = encodeHistory(commits);
    assert.throws(() => decodeHistory(bytes.subarray(0, bytes.length - 3)), RangeError);
  });
});
