import assert from 'node:assert/strict';
import { PostingList, Postings } from '../../../core/rank/postings.ts';

let seed = 7;
const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;

const all = (postings: Postings, termId: number): [number, number][] => {
  const found: [number, number][] = [];
  postings.forEach(termId, (chunk, counts) => found.push([chunk, counts]));
  assert.deepEqual(readTwice(postings, termId), [...found, ...found]);
  return found;
};

/** Read into one list, which grows for it. */
function readTwice(postings: Postings, termId: number): [number, number][] {
  const list = new PostingList();
  postings.read(termId, list);
  postings.read(termId, list);
  return Array.from({ length: list.length }, (_, i) => [list.chunks[i]!, list.counts[i]!]);
}

it('A list of postings keeps what is wanted, in order', () => {
  const postings = new Postings();
  for (let chunk = 0; chunk < 5; chunk++) postings.add(3, chunk, 10 * chunk);
  const list = new PostingList();
  postings.read(3, list);
  list.keep((chunk) => chunk % 2 === 1);
  assert.deepEqual([...list.chunks.subarray(0, list.length)], [3, 1]);
  assert.deepEqual([...list.counts.subarray(0, list.length)], [30, 10]);
});

describe('Postings', () => {
  it('give those of a term newest first, folded or not', () => {
    const postings = new Postings();
    const expected = new Map<number, [number, number][]>();
    // Far apart, so that several segments and an extension of the table take part.
    const terms = Array.from({ length: 60 }, () => random(40_000));
    const check = (): void => {
      for (const term of terms) assert.deepEqual(all(postings, term), expected.get(term) ?? []);
    };
    for (let chunk = 0; chunk < 900; chunk++) {
      for (let i = random(60); i > 0; i--) {
        const term = terms[random(terms.length)]!;
        const counts = random(2) === 0 ? 4_294_967_295 - chunk : chunk + 1;
        postings.add(term, chunk, counts);
        expected.set(term, [[chunk, counts], ...(expected.get(term) ?? [])]);
      }
      if (chunk % 300 === 299) {
        check();
        postings.fold((each) => each);
        check();
      }
    }
    check();
    assert.deepEqual(all(postings, 1_000_000), []);
  });

  it('drop what is gone and renumber the rest in a fold', () => {
    const postings = new Postings();
    for (let chunk = 0; chunk < 6; chunk++) postings.add(5, chunk, 10 + chunk);
    postings.fold((chunk) => (chunk % 2 === 0 ? chunk / 2 : -1));
    assert.deepEqual(all(postings, 5), [
      [2, 14],
      [1, 12],
      [0, 10],
    ]);
    assert.equal(postings.size, 3);
    postings.add(5, 3, 99);
    assert.deepEqual(all(postings, 5)[0], [3, 99]);
    assert.equal(postings.size, 4);
  });

  it('say when a fold is worth it: for many new ones, seldom for a large index', () => {
    const postings = new Postings();
    let folds = 0;
    for (let i = 0; i < 3_000_000; i++) {
      postings.add(i % 1000, i, 1);
      if (!postings.isFoldDue) continue;
      postings.fold((chunk) => chunk);
      folds++;
    }
    assert.ok(folds >= 3 && folds <= 8, `${folds} folds`);
    assert.equal(all(postings, 999).length, 3_000);
  });
});
