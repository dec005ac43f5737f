import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { serverArguments, serverEnvironment } from '../../../protocol/index.ts';

describe('what the language server is started with', () => {
  it('is understood by this Node', () => {
    const env = { ...process.env, ...serverEnvironment({}) };
    const print = [...serverArguments, '-p', 'process.env.MALLOC_MMAP_THRESHOLD_'];
    assert.match(execFileSync(process.execPath, print, { env, encoding: 'utf8' }), /^\d+\n$/);
  });

  it('leaves to the user what the user has set', () => {
    assert.deepEqual(serverEnvironment({ MALLOC_MMAP_THRESHOLD_: '1048576' }), {});
    assert.deepEqual(serverEnvironment({ PATH: '/bin' }), { MALLOC_MMAP_THRESHOLD_: '2097152' });
  });
});
