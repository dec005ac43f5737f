import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { storeRanking } from '../../cli/rankingConfig.ts';
import { readConfig } from '../../cli/workspace.ts';

const byWords = { rankedBy: 'words', model: null, index: 7, ranking: 2 };
const fingerprint = '0123456789abcdef01234567';
const byModel = { rankedBy: fingerprint, model: 'gte-small', index: 7, ranking: 2 };

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
    assert.equal(await storeRanking(root, { path: 0.9 }, byWords), file);
    const words = { index: 7, ranking: 2, weights: { path: 0.9 } };
    assert.deepEqual(await readConfig(root), { ranking: { tuned: { words } } });
    assert.deepEqual(readdirSync(path.dirname(file)), ['config.yaml']);
  });

  it('keeps comments, other keys and weights set by hand', async () => {
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
    await storeRanking(root, { path: 0.9, coChange: 0.2, name: undefined }, byWords);
    assert.equal(
      readFileSync(file, 'utf8'),
      [
        '# Settings of ours.',
        'maxFileKb: 512 # small',
        '',
        '# by hand',
        'ranking:',
        '  tests: 0.1 # few tests here',
        '  path: 0.5 # was better',
        '  tuned:',
        '    words:',
        '      index: 7',
        '      ranking: 2',
        '      weights:',
        '        path: 0.9',
        '        coChange: 0.2',
        'exclude:',
        '  - "gen/" # made',
        '',
      ].join('\n'),
    );
  });

  it('adds to a file of comments alone', async () => {
    write('# Nothing is set.\n# budget: 8000\n');
    await storeRanking(root, { path: 0.9 }, byWords);
    assert.match(
      readFileSync(file, 'utf8'),
      /^# Nothing is set\.\n# budget: 8000\n+ranking:\n {2}tuned:\n {4}words:\n/,
    );
  });

  it('fills a key that stands there empty', async () => {
    write('ranking:\nbudget: 500\n');
    await storeRanking(root, { path: 0.9 }, byModel);
    const tuned = { [fingerprint]: { model: 'gte-small', index: 7, ranking: 2, weights: { path: 0.9 } } };
    assert.deepEqual(await readConfig(root), { ranking: { tuned }, budget: 500 });
    write('ranking:\n  tuned:\n');
    await storeRanking(root, { path: 0.9 }, byModel);
    assert.deepEqual(await readConfig(root), { ranking: { tuned } });
  });

  it('keeps what was fitted to the same and to other models, and drops what was fitted to another version', async () => {
    await storeRanking(root, { path: 0.9 }, byWords);
    await storeRanking(root, { tests: 0.2 }, byWords);
    await storeRanking(root, { name: 1 }, byModel);
    const ofModel = { model: 'gte-small', index: 7, ranking: 2, weights: { name: 1 } };
    assert.deepEqual((await readConfig(root)).ranking, {
      tuned: { words: { index: 7, ranking: 2, weights: { path: 0.9, tests: 0.2 } }, [fingerprint]: ofModel },
    });
    await storeRanking(root, { spread: 0.7 }, { ...byWords, index: 8 });
    assert.deepEqual((await readConfig(root)).ranking, {
      tuned: { [fingerprint]: ofModel, words: { index: 8, ranking: 2, weights: { spread: 0.7 } } },
    });
  });
});
