import assert from 'node:assert/strict';
import { askedSeldom, type GitIgnoreConfig } from '../../../../server/indexing/discovery/gitIgnoreConfig.ts';

describe('askedSeldom', () => {
  it('asks git once a minute, and again after a failure', async () => {
    let asked = 0;
    let time = 0;
    let fails = false;
    const config = (): GitIgnoreConfig => ({ excludesFile: `/ignore${asked}`, ignoreCase: false });
    const read = askedSeldom(
      () => {
        asked++;
        return fails ? Promise.reject(new Error('no')) : Promise.resolve(config());
      },
      () => time,
    );
    assert.equal((await read('/a', null)).excludesFile, '/ignore1');
    time = 59_000;
    assert.equal((await read('/a', null)).excludesFile, '/ignore1');
    time = 61_000;
    assert.equal((await read('/a', null)).excludesFile, '/ignore2');
    time = 130_000;
    fails = true;
    await assert.rejects(read('/a', null), /no/);
    fails = false;
    assert.equal((await read('/a', null)).excludesFile, '/ignore4');
    assert.equal(asked, 4);
  });
});
