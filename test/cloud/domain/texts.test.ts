import assert from 'node:assert/strict';
import { equalInConstantTime, fromBase64Url, sha256, toBase64Url } from '../../../cloud/domain/bytes.ts';
import { makeKey, parseKey } from '../../../cloud/domain/keys/keyFormat.ts';
import { decodeCursor, toPage } from '../../../cloud/domain/paging.ts';
import { slugFor } from '../../../cloud/domain/projects/slugFor.ts';
import { slug } from '../../../protocol/api/index.ts';

describe('API keys', () => {
  it('are of their environment, and of 32 characters that are all as likely', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 2_000; i++) {
      const key = makeKey('test');
      assert.match(key, /^ck_test_[A-Za-z0-9]{32}$/);
      for (const character of key.slice(8)) counts.set(character, (counts.get(character) ?? 0) + 1);
    }
    assert.equal(counts.size, 62);
    const expected = (2_000 * 32) / 62;
    // Seven standard deviations: chance alone does not get there.
    const bound = 7 * Math.sqrt(expected);
    for (const [character, count] of counts) assert.ok(Math.abs(count - expected) < bound, `${character}: ${count}`);
  });

  it('are looked up by the first 8 characters after ck_', () => {
    const key = makeKey('live');
    assert.deepEqual(parseKey(key), { environment: 'live', prefix: key.slice(3, 11) });
    for (const wrong of [
      '',
      'ck_live_',
      key.slice(1),
      `${key}x`,
      key.replace('live', 'prod'),
      key.replace(/.$/, '-'),
    ]) {
      assert.equal(parseKey(wrong), undefined, wrong);
    }
  });
});

describe('Bytes', () => {
  it('have the digests that they have elsewhere', async () => {
    assert.equal(await sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('are compared as a whole', () => {
    assert.ok(equalInConstantTime('abc', 'abc'));
    assert.ok(!equalInConstantTime('abc', 'abd') && !equalInConstantTime('abc', 'ab'));
  });

  it('come back from base64', () => {
    for (const text of ['', 'a', 'ab', 'Grüße 🦊?>'])
      if (text !== '') assert.equal(fromBase64Url(toBase64Url(text)), text);
    for (const wrong of ['', '=', 'a+b', '!', '_w']) assert.equal(fromBase64Url(wrong), undefined, wrong);
  });
});

describe('Pages', () => {
  const page = (rows: string[], limit: number) =>
    toPage(
      'letters',
      rows,
      limit,
      (row) => row,
      (row) => row,
    );

  it('end with a cursor where there is more', () => {
    const { items, nextCursor } = page(['a', 'b', 'c'], 2);
    assert.deepEqual(items, ['a', 'b']);
    assert.equal(
      decodeCursor('letters', nextCursor!, () => true),
      'b',
    );
    assert.equal(page(['a', 'b'], 2).nextCursor, null);
    assert.equal(
      decodeCursor('letters', undefined, () => true),
      null,
    );
  });

  it('begin at no cursor of another list, of another kind, or made up', () => {
    const { nextCursor } = page(['a', 'b', 'c'], 2);
    for (const [list, cursor, isKey] of [
      ['numbers', nextCursor!, () => true],
      ['letters', nextCursor!, () => false],
      ['letters', 'made-up', () => true],
      ['letters', toBase64Url('["letters",7]'), () => true],
      ['letters', toBase64Url('{"a":1}'), () => true],
    ] as const) {
      assert.throws(() => decodeCursor(list, cursor, isKey), /not one of this list/);
    }
  });
});

describe('Slugs', () => {
  const table: [name: string, taken: string[], expected: string][] = [
    ['Web Shop', [], 'web-shop'],
    ['Web Shop', ['web-shop'], 'web-shop-2'],
    ['Web Shop', ['web-shop', 'web-shop-2'], 'web-shop-3'],
    ['  Größe: Ärger! ', [], 'große-arger'.replace('ß', '-')],
    ['日本語', [], 'project'],
    ['../../etc/passwd', [], 'etc-passwd'],
    ['x'.repeat(100), [], 'x'.repeat(63)],
    ['x'.repeat(100), ['x'.repeat(63)], `${'x'.repeat(61)}-2`],
    ['5c56c793-69f3-4fbf-87e6-c4bf54c28c26', [], 'project-5c56c793-69f3-4fbf-87e6-c4bf54c28c26'],
  ];
  for (const [name, taken, expected] of table) {
    it(`${name.slice(0, 20)} with ${taken.length} taken: ${expected.slice(0, 30)}`, () => {
      const made = slugFor(name, new Set(taken));
      assert.equal(made, expected);
      assert.ok(slug.safeParse(made).success);
    });
  }
});
