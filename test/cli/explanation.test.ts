import assert from 'node:assert/strict';
import { scoreLines } from '../../cli/output/explanation.ts';

const plain = (text: string): string => text;
const style = { dim: plain };

describe('The parts of a score', () => {
  it('stand in columns, the longest name included', () => {
    const lines = scoreLines(
      [
        { name: 'text', value: 8.05 },
        { name: 'file meaning', value: 12.5 },
        { name: 'prior', value: 1, detail: 'source' },
        { name: 'neighbours', value: 100, detail: '' },
      ],
      style,
      '  ',
    );
    assert.deepEqual(lines, [
      '  text             8.05',
      '  file meaning    12.50',
      '  prior            1.00  source',
      '  neighbours     100.00',
    ]);
  });
});
