import assert from 'node:assert/strict';
import { matchName } from '../../../core/symbols/matchName.ts';

describe('matchName', () => {
  const table: [asked: string, name: string, expected: string | null][] = [
    ['parseQuery', 'parseQuery', 'exact'],
    ['parsequery', 'parseQuery', 'case'],
    ['parse', 'parseQuery', 'prefix'],
    ['pQ', 'parseQuery', 'humps'],
    ['gup', 'getURLParts', 'humps'],
    ['gURLP', 'getURLParts', 'humps'],
    ['getPar', 'getUrlParts', 'humps'],
    ['gu', 'get_url', 'humps'],
    ['HBR', 'HTTPBodyReader', 'humps'],
    ['query', 'parseQuery', 'part'],
    ['parseQeury', 'parseQuery', 'typo'],
    ['pasre', 'parse', 'typo'],
    ['psqry', 'parseQuery', 'letters'],
    ['qpX', 'parseQuery', null],
    ['abc', 'xyz', null],
    ['.*+?[', 'parseQuery', null],
    ['größe', 'Größe', 'case'],
  ];
  for (const [asked, name, expected] of table)
    it(`${asked} finds ${name}: ${expected ?? 'no'}`, () => assert.equal(matchName(asked, name), expected));

  it('does not take long on long names of one letter', () => {
    const started = process.cpuUsage().user;
    assert.equal(matchName('a'.repeat(30) + 'b', 'a'.repeat(200)), null);
    assert.ok(process.cpuUsage().user - started < 5e6);
  });
});
