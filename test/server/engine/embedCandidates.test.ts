import assert from 'node:assert/strict';
import { candidatesAmong } from '../../../server/engine/embedCandidates.ts';

interface Range {
  path: string;
  line: string;
}

/** Ranges in this order, `file:line` each. */
const rangesOf = (places: readonly string[]): Range[] =>
  places.map((place) => {
    const [path, line] = place.split(':') as [string, string];
    return { path, line };
  });
const linesOf = (path: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${path}:${i + 1}`);
const placesOf = (ranges: readonly Range[]): string[] => ranges.map(({ path, line }) => `${path}:${line}`);

describe('Candidates of a question', () => {
  it('are the best ranges, as long as the first files are among them', () => {
    const places = Array.from({ length: 15 }, (_, file) => linesOf(`f${file}`, 4)).flat();
    assert.deepEqual(placesOf(candidatesAmong(rangesOf(places))).slice(0, 45), places.slice(0, 45));
    assert.equal(candidatesAmong(rangesOf(places)).length, 50);
  });

  it('have the best range of each of the first twenty files, in their order', () => {
    const places = Array.from({ length: 30 }, (_, file) => linesOf(`f${file}`, 10)).flat();
    const chosen = placesOf(candidatesAmong(rangesOf(places)));
    assert.equal(chosen.length, 50);
    const files = Array.from({ length: 20 }, (_, file) => `f${file}:1`);
    assert.deepEqual(
      chosen.filter((place) => files.includes(place)),
      files,
    );
    assert.deepEqual(chosen.slice(0, 30), places.slice(0, 30), 'the others are the best there are');
    assert.ok(!chosen.includes('f20:1'));
  });

  it('are all that there are where there are few', () => {
    assert.deepEqual(placesOf(candidatesAmong(rangesOf(['a:1', 'b:1', 'a:2']))), ['a:1', 'b:1', 'a:2']);
    assert.deepEqual(candidatesAmong([]), []);
  });
});
