import assert from 'node:assert/strict';
import { cacheFolderOf, type CacheSurroundings } from '../../../server/embedding/cacheFolder.ts';

type Row = [platform: NodeJS.Platform, env: CacheSurroundings['env'], home: string, folder: string];

const table: Row[] = [
  ['linux', {}, '/home/ada', '/home/ada/.cache/contextkit'],
  ['linux', { XDG_CACHE_HOME: '/var/cache/ada' }, '/home/ada', '/var/cache/ada/contextkit'],
  ['linux', { XDG_CACHE_HOME: '' }, '/home/ada', '/home/ada/.cache/contextkit'],
  ['linux', { XDG_CACHE_HOME: 'relative' }, '/home/ada', '/home/ada/.cache/contextkit'],
  ['linux', { CONTEXTKIT_CACHE_DIR: '/fast/disk/', XDG_CACHE_HOME: '/x' }, '/home/ada', '/fast/disk/'],
  ['freebsd', {}, '/home/ada', '/home/ada/.cache/contextkit'],
  ['darwin', {}, '/Users/ada', '/Users/ada/Library/Caches/contextkit'],
  ['darwin', { XDG_CACHE_HOME: '/x' }, '/Users/ada', '/Users/ada/Library/Caches/contextkit'],
  ['darwin', { CONTEXTKIT_CACHE_DIR: '/Volumes/fast' }, '/Users/ada', '/Volumes/fast'],
  ['win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\ada', 'D:\\Local\\contextkit'],
  ['win32', {}, 'C:\\Users\\ada', 'C:\\Users\\ada\\AppData\\Local\\contextkit'],
  ['win32', { CONTEXTKIT_CACHE_DIR: 'E:/cache' }, 'C:\\Users\\ada', 'E:\\cache'],
  ['win32', { CONTEXTKIT_CACHE_DIR: '' }, 'C:\\Users\\ada', 'C:\\Users\\ada\\AppData\\Local\\contextkit'],
];

describe('The cache folder', () => {
  for (const [platform, env, home, folder] of table) {
    it(`is ${folder} on ${platform} with ${JSON.stringify(env)}`, () => {
      assert.equal(cacheFolderOf({ platform, env, home }), folder);
    });
  }

  it('is never taken from a relative CONTEXTKIT_CACHE_DIR: it would be another one in each working folder', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const)
      assert.throws(() => cacheFolderOf({ platform, env: { CONTEXTKIT_CACHE_DIR: 'cache' }, home: '/home/ada' }), {
        code: 'invalid_config',
        message: /CONTEXTKIT_CACHE_DIR is not an absolute folder: cache/,
      });
  });
});
