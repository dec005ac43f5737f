import assert from 'node:assert/strict';
import { RecentFiles } from '../../../core/graph/recentFiles.ts';

describe('RecentFiles', () => {
  it('makes a value once while it is recent, and anew after many others', () => {
    const made: number[] = [];
    const recent = new RecentFiles(10, (key: number) => {
      made.push(key);
      return [key];
    });
    assert.equal(recent.of(1), recent.of(1));
    assert.deepEqual(made, [1]);
    for (let key = 2; key <= 40; key++) assert.deepEqual(recent.of(key), [key]);
    assert.deepEqual(recent.of(40), [40]);
    assert.equal(made.length, 40);
    assert.deepEqual(recent.of(1), [1]);
    assert.equal(made.length, 41, 'the first was forgotten');
  });

  it('forgets all when it is told to', () => {
    let made = 0;
    const recent = new RecentFiles(10, () => ({ number: made++ }));
    const before = recent.of('a');
    recent.clear();
    assert.notEqual(recent.of('a'), before);
  });
});
