import assert from 'node:assert/strict';
import { stem } from '../../../core/lexical/stem.ts';

const families = [
  ['validate', 'validates', 'validated', 'validating', 'validator', 'validation', 'validators'],
  ['configure', 'configured', 'configuring', 'configuration'],
  ['parse', 'parser', 'parsers', 'parsing', 'parsed'],
  ['connect', 'connection', 'connections', 'connecting', 'connector'],
  ['query', 'queries'],
  ['run', 'runner', 'running'],
  ['serialize', 'serializer', 'serialization'],
];

describe('stem', () => {
  for (const family of families) {
    it(`brings ${family.join(', ')} together`, () => {
      assert.deepEqual([...new Set(family.map(stem))], [stem(family[0]!)]);
    });
  }

  for (const word of ['class', 'status', 'analysis', 'id', 'map', 'utf8', 'größe', 'snake_case']) {
    it(`leaves ${word} alone`, () => assert.equal(stem(word), word));
  }

  it('never leaves fewer than three characters', () => {
    for (const word of ['ring', 'bed', 'user', 'key', 'code', 'yes', 'ion', 'string'])
      assert.ok(stem(word).length >= 3, word);
  });
});
