import assert from 'node:assert/strict';
import { createRateMeter } from '../../../server/engine/rateMeter.ts';

describe('createRateMeter', () => {
  it('says nothing before it knows something', () => {
    let now = 0;
    const meter = createRateMeter(() => now);
    meter.start();
    assert.equal(meter.secondsFor(10), null);
    now = 100;
    meter.count(20);
    assert.equal(meter.secondsFor(10), null, 'a tenth of a second is too short');
  });

  it('goes by the last seconds', () => {
    let now = 0;
    const meter = createRateMeter(() => now);
    meter.start();
    for (; now < 60_000; now += 1_000) meter.count(1);
    for (; now < 120_000; now += 1_000) meter.count(10);
    assert.equal(meter.secondsFor(100), 10);
  });
});
