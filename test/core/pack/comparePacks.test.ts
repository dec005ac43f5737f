import assert from 'node:assert/strict';
import { comparePacks } from '../../../core/pack/comparePacks.ts';
import type { PackPart } from '../../../core/pack/packParts.ts';

/** `path:first-last text`; signatures as `path:line! text`. */
function parts(...written: string[]): PackPart[] {
  return written.map((each) => {
    const [, path, first, last, mark, text] = /^(.+):(\d+)(?:-(\d+))?(!?) (.*)$/.exec(each)!;
    return {
      path: path!,
      startLine: Number(first),
      endLine: Number(last ?? first),
      kind: mark === '!' ? 'signature' : 'body',
      hash: text!,
      lead: text!,
    };
  });
}
const places = (all: PackPart[]): string[] =>
  all.map(({ path, startLine, endLine }) => `${path}:${startLine}-${endLine}`);

describe('comparePacks', () => {
  it('tells added, removed, changed, moved and equal parts apart, in the order of the packs', () => {
    const first = parts('b:1-9 x', 'a:1-5 one', 'a:10-20 two', 'c:1-3 gone', 'd:4! sig');
    const second = parts('n:1-2 new', 'a:3-7 one', 'a:10-22 two, longer', 'b:1-9 x', 'd:4! sig', 'e:1-1 new');
    const { added, removed, changed, moved, same } = comparePacks(first, second);
    assert.deepEqual(places(added), ['n:1-2', 'e:1-1']);
    assert.deepEqual(places(removed), ['c:1-3']);
    assert.deepEqual(places(changed.map(({ after }) => after)), ['a:10-22']);
    assert.deepEqual(places(moved.map(({ before }) => before)), ['a:1-5']);
    assert.equal(same, 2);
  });

  it('finds no difference in a pack and itself', () => {
    const pack = parts('a:1-5 one', 'a:7-8 one', 'b:1! one');
    assert.deepEqual(comparePacks(pack, pack), { added: [], removed: [], changed: [], moved: [], same: 3 });
  });

  it('takes each part once', () => {
    const { added, same } = comparePacks(parts('a:1-5 one'), parts('a:1-5 one', 'a:1-5 one'));
    assert.deepEqual([places(added), same], [['a:1-5'], 1]);
  });
});
