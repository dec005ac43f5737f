import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { storeRanking } from '../../cli/rankingConfig.ts';
import { readConfig } from '../../cli/workspace.ts';

describe('storeRanking', () => {
  let root: string;
  let file: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-config-'));
    file = path.join(root, '.contextkit', 'config.yaml');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const write = (text: string): void => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };

  it('makes the file where there is none', async () => {
    assert.equal(await storeRanking(root, { path: 0.9 }), file);
    assert.deepEqual(await readConfig(root), { ranking: { path: 0.9 } });
    assert.deepEqual(readdirSync(path.dirname(file)), ['config.yaml']);
  });

  it('keeps comments, other keys and other weights', async () => {
    write(
      [
        '# Settings of ours.',
        'maxFileKb: 512 # small',
        '',
        '# by hand',
        'ranking:',
        '  tests: 0.1 # few tests here',
        '  path: 0.5 # was better',
        'exclude:',
        '  - "gen/" # made',
        '',
      ].join('\n'),
    );
    await storeRanking(root, { path: 0.9, coChange: 0.2, name: undefined });
    assert.equal(
      readFileSync(file, 'utf8'),
      [
        '# Settings of ours.',
        'maxFileKb: 512 # small',
        '',
        '# by hand',
        'ranking:',
        '  tests: 0.1 # few tests here',
        '  path: 0.9 # was better',
        '  coChange: 0.2',
        'exclude:',
        '  - "gen/" # made',
        '',
      ].join('\n'),
    );
  });

  it('adds to a file of comments alone', async () => {
    write('# Nothing is set.\n# budget: 8000\n');
    await storeRanking(root, { path: 0.9 });
    assert.match(readFileSync(file, 'utf8'), /^# Nothing is set\.\n# budget: 8000\n+ranking:\n {2}path: 0\.9\n$/);
  });

  it('fills a key that stands there empty', async () => {
    write('ranking:\nbudget: 500\n');
    await storeRanking(root, { path: 0.9 });
    assert.deepEqual(await readConfig(root), { ranking: { path: 0.9 }, budget: 500 });
  });
});
