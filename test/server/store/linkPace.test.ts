import assert from 'node:assert/strict';
import { LinkPace } from '../../../server/store/linkPace.ts';

describe('LinkPace', () => {
  it('expects of what is left what was measured so far', () => {
    const pace = new LinkPace();
    assert.ok(pace.expectedMs(10_000) > 1_000, 'a large index is not waited for before anything was measured');
    assert.ok(pace.expectedMs(300) < 200, 'a small one is');
    // Reading the graph links no file, and takes its time all the same.
    pace.note(100, 0);
    pace.note(300, 200);
    assert.equal(pace.expectedMs(50), 100);
  });
});
