import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonLog } from '../../../cloud/node/jsonLog.ts';

describe('The log', () => {
  const events = (writes: readonly string[]): string[][] =>
    writes.map((text) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: string }).event),
    );

  it('gathers lines for a moment, and tells what is wrong at once, in order', async () => {
    const writes: string[] = [];
    const stream = new Writable({
      write: (text: Buffer, _, done) => {
        writes.push(text.toString());
        done();
      },
    });
    const log = jsonLog(stream);
    log('info', 'one');
    log('debug', 'nobody asked for it');
    log('info', 'two');
    assert.deepEqual(writes, []);
    log('warn', 'three');
    assert.deepEqual(events(writes), [['one', 'two', 'three']]);
    log('info', 'four');
    await sleep(300);
    assert.deepEqual(events(writes), [['one', 'two', 'three'], ['four']]);
  });
});
