import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createWordAnalyzer } from '../../../core/lexical/analyzeWords.ts';
import { createTextScanner } from '../../../core/lexical/scanText.ts';
import { TermDictionary } from '../../../core/lexical/termDictionary.ts';
import type { CodeSymbol, FileRole } from '../../../core/model.ts';
import { SearchIndex } from '../../../core/rank/searchIndex.ts';
import { defaultWeights } from '../../../core/rank/weights.ts';

interface Fixture {
  [path: string]: string | { text: string; role?: FileRole; names?: string[] };
}

const scanner = createTextScanner(() => 0);
const analyzer = createWordAnalyzer(scanner);

/** Each blank-line-separated paragraph is a chunk; `names` are defined where they first stand. */
function put(index: SearchIndex, terms: TermDictionary, path: string, file: Fixture[string]): void {
  const { text, role = 'source', names = [] } = typeof file === 'string' ? { text: file } : file;
  const lines = text.split('\n');
  const chunks = [{ startLine: 1, endLine: lines.length, tokens: 10, scope: '', truncated: false }];
  lines.forEach((line, i) => {
    if (line !== '' || i === lines.length - 1) return;
    chunks.at(-1)!.endLine = i + 1;
    chunks.push({ startLine: i + 2, endLine: lines.length, tokens: 10, scope: '', truncated: false });
  });
  const symbols = names.map((name): CodeSymbol => {
    const line = lines.findIndex((each) => each.includes(name)) + 1;
    return { name, kind: 'function', line, startLine: line, endLine: line, signature: name, container: [] };
  });
  const words = analyzer.analyze({ scanned: scanner.scan(text), chunks, comments: [], symbols });
  index.put({
    path,
    language: 'text',
    role,
    chunks: Uint32Array.from(chunks.flatMap((chunk) => [chunk.startLine, chunk.endLine, chunk.tokens])),
    words: { ...words, termIds: words.termIds.map((local) => terms.idOf(words.terms[local]!)) },
  });
}

function build(files: Fixture): { index: SearchIndex; terms: TermDictionary } {
  const terms = new TermDictionary();
  const index = new SearchIndex(terms);
  for (const [path, file] of Object.entries(files)) put(index, terms, path, file);
  return { index, terms };
}

const paths = (index: SearchIndex, query: string, limit = 10): string[] =>
  index.search(query, { limit }).map((each) => each.path);

describe('SearchIndex', () => {
  it('puts the definition of a name before places that use it', () => {
    const { index } = build({
      'src/a.ts': 'call parseQuery here and parseQuery there',
      'src/b.ts': { text: 'function parseQuery here', names: ['parseQuery'] },
    });
    assert.deepEqual(paths(index, 'parseQuery'), ['src/b.ts', 'src/a.ts']);
  });

  it('answers as an index that was never asked anything, whatever it was asked before', () => {
    // Stems of several words each, of which some continue others.
    const vocabulary = (
      'auth auths authenticate authentication author authors authority config configs configure configured ' +
      'param params parameter parameters the of'
    ).split(' ');
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => {
        const text = Array.from({ length: 12 }, (__, j) => vocabulary[(i * 7 + j * j + (i >> 3)) % vocabulary.length]);
        return [`src/f${i}.ts`, text.slice(0, 4 + (i % 9)).join(' ')];
      }),
    );
    const { index } = build(files);
    const word = fc.constantFrom(...vocabulary);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const query = words.join(' ');
        const { index: fresh } = build(files);
        assert.deepEqual(index.search(query, { limit: 300 }), fresh.search(query, { limit: 300 }), query);
      }),
      { numRuns: 100 },
    );
  });

  it('answers as one that was made anew, whatever was in it before', () => {
    const names = [
      'openDoor',
      'closeDoor',
      'openWindow',
      'doorOf',
      'closeAll',
      'findWindow',
      'paintWall',
      'wallColour',
    ];
    const text = fc
      .subarray(names, { minLength: 1, maxLength: 3 })
      .map((defined) => ({ text: `${defined.join(' ')} the door and a window`, names: defined }));
    const change = fc.record({ path: fc.constantFrom('a.ts', 'b.ts', 'c.ts', 'd.ts'), file: fc.option(text) });
    const step = fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 4 }), settle: fc.boolean() });
    const query = fc.subarray(['open', 'door', 'window', 'close', 'wall', 'paint'], { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), query, (steps, words) => {
        const { index, terms } = build({});
        const now: Fixture = {};
        for (const { changes, settle } of steps) {
          for (const { path, file } of changes) {
            index.remove(path);
            delete now[path];
            if (file !== null) put(index, terms, path, (now[path] = file));
          }
          if (settle) index.settle(true);
          assert.deepEqual(
            index.search(words.join(' '), { limit: 100 }),
            build(now).index.search(words.join(' '), { limit: 100 }),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('finds other forms of a word, exact ones first', () => {
    const { index } = build({ 'a.ts': 'the validator of input', 'b.ts': 'to validate the input', 'c.ts': 'nothing' });
    assert.deepEqual(paths(index, 'validate'), ['b.ts', 'a.ts']);
  });

  it('puts source before tests and docs unless the query asks for them', () => {
    const files: Fixture = {
      'src/router.ts': 'match route',
      'test/router.test.ts': { text: 'match route match route', role: 'test' },
      'docs/router.md': { text: 'match route match route', role: 'docs' },
    };
    const { index } = build(files);
    assert.equal(paths(index, 'match route')[0], 'src/router.ts');
    assert.equal(paths(index, 'tests that match a route')[0], 'test/router.test.ts');
    assert.equal(paths(index, 'documentation of how to match a route')[0], 'docs/router.md');
  });

  it('does not take a test that the body of a commit message mentions for what is asked', () => {
    const { index } = build({
      'src/router.ts': 'match route',
      'test/router.test.ts': { text: 'match route match route', role: 'test' },
    });
    assert.equal(paths(index, 'Match the route\n\n* improve test coverage')[0], 'src/router.ts');
    assert.equal(paths(index, 'Test how a route matches\n\n* more')[0], 'test/router.test.ts');
  });

  it('lets a matching test speak for the source it is named after, the nearest of several', () => {
    const { index } = build({
      'src/http/parser.ts': 'one two boundary three',
      'src/css/parser.ts': 'boundary',
      'src/other.ts': 'boundary boundary more of it',
      'test/http/parser_test.ts': { text: 'survives a truncated multipart upload boundary', role: 'test' },
    });
    const sources = paths(index, 'truncated multipart upload boundary').filter((path) => path.startsWith('src/'));
    assert.equal(sources[0], 'src/http/parser.ts');
  });

  it('puts the exact name before other spellings of its words', () => {
    const { index } = build({
      'src/a.ts': { text: 'class RouteTable', names: ['RouteTable'] },
      'src/b.ts': { text: 'const routeTable route table', names: ['routeTable'] },
      'src/c.ts': { text: 'fn route_table', names: ['route_table'] },
    });
    for (const [query, best] of [
      ['RouteTable', 'src/a.ts'],
      ['where is RouteTable made', 'src/a.ts'],
      ['route_table', 'src/c.ts'],
    ])
      assert.equal(paths(index, query!)[0], best);
  });

  it('finds longer and shorter forms that stemming keeps apart', () => {
    const { index } = build({ 'a.ts': 'authentication of users', 'b.ts': 'authors of books' });
    assert.deepEqual(paths(index, 'authenticator'), ['a.ts']);
    assert.deepEqual(paths(index, 'param'), []);
    const other = build({ 'a.ts': 'all parameters' }).index;
    assert.deepEqual(paths(other, 'param'), ['a.ts']);
  });

  it('finds a file by its name alone', () => {
    const { index } = build({ 'src/rateLimiter.ts': 'export default 1', 'src/other.ts': 'rate' });
    assert.ok(paths(index, 'rate limiter').includes('src/rateLimiter.ts'));
  });

  it('puts a file first whose path stands in the query', () => {
    const { index } = build({
      'src/a/deep.ts': 'one',
      'src/b.ts': 'fix crash crash deep',
      'src/c.ts': 'fix the crash',
    });
    assert.equal(paths(index, 'fix the crash in src/a/deep.ts')[0], 'src/a/deep.ts');
  });

  it('answers with ranges, and with none twice', () => {
    const { index } = build({ 'a.ts': 'first match\n\nsecond match\n\nthird' });
    const found = index.search('match', { limit: 10 }).map(({ startLine, endLine }) => [startLine, endLine]);
    assert.deepEqual(found.sort(), [
      [1, 2],
      [3, 4],
    ]);
  });

  it('forgets a removed file and takes a replaced one as it is now', () => {
    const { index, terms } = build({ 'a.ts': 'apple', 'b.ts': 'apple pear' });
    index.remove('a.ts');
    assert.deepEqual(paths(index, 'apple'), ['b.ts']);
    put(index, terms, 'b.ts', 'plum');
    assert.deepEqual(paths(index, 'apple'), []);
    assert.deepEqual(paths(index, 'plum'), ['b.ts']);
  });

  it('ranks the same after many replacements as an index made at once', () => {
    const files: Fixture = {};
    for (let i = 0; i < 300; i++)
      files[`src/f${i}.ts`] = `token${i % 7} shared word${i} token${i % 3}\n\nmore token${i % 5}`;
    const once = build(files).index;
    const { index, terms } = build(files);
    for (let round = 0; round < 6; round++)
      for (const [path, file] of Object.entries(files)) put(index, terms, path, file);
    for (const query of ['token1 shared', 'word17 token3', 'more token4']) {
      assert.deepEqual(index.search(query, { limit: 50 }), once.search(query, { limit: 50 }));
    }
    assert.equal(index.chunks, once.chunks);
  });

  it('leaves out what the filter refuses', () => {
    const { index } = build({ 'src/a.ts': 'apple', 'lib/a.ts': 'apple' });
    const found = index.search('apple', { limit: 9, accept: (path) => path.startsWith('lib/') });
    assert.deepEqual(
      found.map(({ path }) => path),
      ['lib/a.ts'],
    );
  });

  it('leaves nothing behind of a query that failed', () => {
    const files = { 'src/apple.ts': 'apple pie', 'src/pear.ts': 'pear tart' };
    const { index } = build(files);
    const fails = (): never => {
      throw new Error('no history');
    };
    assert.throws(() => index.search('apple pie', { limit: 9, signals: fails }), /no history/);
    assert.throws(() => index.search('apple pie', { limit: 9, accept: fails }), /no history/);
    const explained = { limit: 9, explain: true };
    assert.deepEqual(index.search('pear', explained), build(files).index.search('pear', explained));
  });

  it('prefers the definition whose whole name the query spells out, in any order', () => {
    const { index } = build({
      'src/a.ts': { text: 'string string parseNumberStrictly query', names: ['parseNumberStrictly'] },
      'src/b.ts': { text: 'parseQueryString', names: ['parseQueryString'] },
    });
    assert.equal(paths(index, 'string query that we parse')[0], 'src/b.ts');
  });

  it('finds neighbouring words that code joins', () => {
    const { index } = build({
      'src/a.ts': 'rendering a hook\n\nother text about nothing',
      'src/b.ts': 'renderhooks\n\nother text about nothing',
    });
    assert.equal(paths(index, 'render hooks').includes('src/b.ts'), true);
  });

  it('takes the words before the colon of a change message for a part of the code', () => {
    const { index } = build({
      'router/trie.ts': 'empty pattern matching',
      'client/pattern.ts': 'empty pattern matching pattern',
      'x/y.ts': 'nothing',
    });
    assert.equal(paths(index, 'empty pattern')[0], 'client/pattern.ts');
    assert.equal(paths(index, 'fix(router): empty pattern')[0], 'router/trie.ts');
    assert.equal(paths(index, 'router: empty pattern')[0], 'router/trie.ts');
  });

  it('lets the first line of a message count more than the others', () => {
    const { index } = build({ 'a.ts': 'apple', 'b.ts': 'banana' });
    assert.deepEqual(paths(index, 'apple\n\nbanana'), ['a.ts', 'b.ts']);
    assert.deepEqual(paths(index, 'banana\n\napple'), ['b.ts', 'a.ts']);
  });

  it('raises the files that the best ones import or call', () => {
    const files: Fixture = { 'a/x.ts': 'needle needle', 'b/y.ts': 'needle', 'c/z.ts': 'needle', 'd/w.ts': 'other' };
    const { index } = build(files);
    assert.deepEqual(paths(index, 'needle'), ['a/x.ts', 'b/y.ts', 'c/z.ts']);
    index.link('a/x.ts', [{ path: 'c/z.ts', imported: true, calls: 2 }]);
    const explained = index.search('needle', { limit: 5, explain: true });
    assert.deepEqual(
      explained.map(({ path }) => path),
      ['a/x.ts', 'c/z.ts', 'b/y.ts'],
    );
    const near = explained[1]!.parts!.find(({ name }) => name === 'neighbours');
    assert.ok(near!.value > 0);
    assert.equal(near!.detail, 'a/x.ts');
    index.link('a/x.ts', []);
    assert.deepEqual(paths(index, 'needle'), ['a/x.ts', 'b/y.ts', 'c/z.ts'], 'links that are gone do not count');
  });

  it('lets a test speak for what it uses, and stay behind it', () => {
    const { index } = build({
      'src/engine.ts': 'start the machine',
      'src/other.ts': 'start the machine',
      'test/story.test.ts': { text: 'overheating machine stops', role: 'test' },
    });
    index.link('test/story.test.ts', [{ path: 'src/other.ts', imported: true, calls: 1 }]);
    assert.deepEqual(paths(index, 'overheating machine').slice(0, 1), ['src/other.ts']);
  });

  it('keeps declaration files behind what they declare', () => {
    const { index } = build({ 'a/shape.d.ts': 'area of shape', 'b/shape.ts': 'area of shape' });
    assert.deepEqual(paths(index, 'area shape'), ['b/shape.ts', 'a/shape.d.ts']);
  });

  it('takes the frames of a stack trace, innermost first, each at its line', () => {
    const { index } = build({
      'src/net/socket.ts': 'open the socket\n\nclose the socket\n\nwrite the bytes',
      'src/app.ts': 'start\n\nrun the application',
      'src/other.ts': 'TypeError of undefined read properties socket',
    });
    const trace = [
      "TypeError: Cannot read properties of undefined (reading 'socket')",
      '    at Socket.write (/home/me/project/src/net/socket.ts:5:12)',
      '    at run (/home/me/project/src/app.ts:3:1)',
      '    at node:internal/main/run_main_module:23:47',
    ].join('\n');
    const found = index.search(trace, { limit: 10 });
    assert.deepEqual([...new Set(found.map(({ path }) => path))], ['src/net/socket.ts', 'src/app.ts', 'src/other.ts']);
    assert.equal(found[0]!.startLine, 5);
    const python = index.search('  File "src/app.py", line 2\n  File "C:\\\\me\\\\src\\\\app.ts", line 3', {
      limit: 1,
    });
    assert.deepEqual([python[0]!.path, python[0]!.startLine], ['src/app.ts', 3]);
  });

  it('answers a stack trace of a megabyte and a megabyte without a space, in little time', () => {
    const { index } = build({ 'src/app.ts': 'run the application' });
    const frame = '    at run (/home/me/project/src/app.ts:1:1)\n';
    assert.deepEqual(paths(index, frame.repeat(25_000), 1), ['src/app.ts']);
    for (const character of ['a', '/', '.', 'a.', '\\\\', '-', '@', '語'])
      assert.deepEqual(paths(index, character.repeat(1_000_000 / character.length)), []);
  });

  it('finds words of other scripts', () => {
    const { index } = build({ 'a.py': '# разбор строки запроса', 'b.py': '# 解析查询字符串', 'c.py': '# parse' });
    assert.deepEqual(paths(index, 'где разбор запроса'), ['a.py']);
    assert.deepEqual(paths(index, '如何解析查询'), ['b.py']);
    assert.deepEqual(paths(index, '🎉 ¿?'), []);
  });

  it('explains a score without changing it', () => {
    const { index } = build({ 'src/a.ts': { text: 'function openDoor', names: ['openDoor'] }, 'src/b.ts': 'open' });
    const plain = index.search('open door', { limit: 5 });
    const explained = index.search('open door', { limit: 5, explain: true });
    assert.deepEqual(
      explained.map(({ parts: _, ...rest }) => rest),
      plain,
    );
    const parts = new Map(explained[0]!.parts!.map(({ name, value }) => [name, value]));
    const order = 'text,names,scope,defines,more ranges,path,coverage,prior,tests,neighbours,central,file,total';
    assert.equal([...parts.keys()].join(), order);
    // The parts of a file's best range add up to the score.
    const sum = (...names: string[]): number => names.reduce((total, name) => total + parts.get(name)!, 0);
    const own = sum('text', 'names', 'scope', 'defines', 'more ranges', 'path') * parts.get('coverage')!;
    const whole = own * parts.get('prior')! + sum('tests', 'neighbours', 'central');
    assert.ok(Math.abs(whole - explained[0]!.score) < 1e-4, `${whole} is not ${explained[0]!.score}`);
    assert.match(explained[0]!.parts![1]!.detail!, /open\* /);
    assert.deepEqual(index.search('open door', { limit: 5 }), plain, 'a later search is not disturbed');
  });

  it('finds what is near in meaning, and its parts add up to the score', () => {
    const { index } = build({
      'src/cookie.ts': 'seal the jar',
      'src/route.ts': 'walk the tree',
      'src/other.ts': 'nothing of it',
    });
    const meaning = [
      { path: 'src/route.ts', index: 0, similarity: 0.8 },
      { path: 'src/gone.ts', index: 0, similarity: 0.7 },
      { path: 'src/other.ts', index: 5, similarity: 0.6 },
      { path: 'src/cookie.ts', index: 0, similarity: 0.5 },
    ];
    assert.deepEqual(
      index.search('dispatch', { limit: 5, meaning }).map(({ path }) => path),
      ['src/route.ts'],
    );
    const [first, second] = index.search('jar', { limit: 5, meaning, explain: true });
    assert.deepEqual([first!.path, second!.path], ['src/cookie.ts', 'src/route.ts']);
    const parts = new Map(second!.parts!.map(({ name, value }) => [name, value]));
    const sum = (...names: string[]): number => names.reduce((total, name) => total + parts.get(name)!, 0);
    assert.ok(parts.get('meaning')! > 0 && parts.get('file meaning')! > 0);
    const own = sum('text', 'names', 'scope', 'defines', 'meaning', 'more ranges', 'path', 'file meaning');
    const whole = own * parts.get('coverage')! * parts.get('prior')! + sum('tests', 'neighbours', 'central');
    assert.ok(Math.abs(whole - second!.score) < 1e-4, `${whole} is not ${second!.score}`);
    assert.deepEqual(
      index.search('jar', { limit: 5 }).map(({ path }) => path),
      ['src/cookie.ts'],
      'a later search by words is not disturbed',
    );
  });

  it('takes a test to be less near than the code, unless tests are asked for', () => {
    const { index } = build({
      'src/jar.ts': 'seal the jar',
      'test/jar.test.ts': { text: 'seal the jar', role: 'test' },
      'src/lid.ts': 'press the lid',
      'docs/oven.md': { text: 'the oven', role: 'docs' },
    });
    const meaning = [
      { path: 'test/jar.test.ts', index: 0, similarity: 0.8 },
      { path: 'src/jar.ts', index: 0, similarity: 0.78 },
      { path: 'docs/oven.md', index: 0, similarity: 0.52 },
      { path: 'src/lid.ts', index: 0, similarity: 0.5 },
    ];
    const nearnessOf = (query: string): Map<string, number> =>
      new Map(
        index
          .search(query, { limit: 10, meaning, explain: true })
          .map(({ path, parts }) => [path, parts!.find(({ name }) => name === 'meaning')!.value]),
      );
    const usual = nearnessOf('seal jar');
    assert.ok(usual.get('test/jar.test.ts')! < usual.get('src/jar.ts')!, 'the test is behind the code');
    assert.ok(usual.get('test/jar.test.ts')! > 0);
    assert.equal(usual.has('docs/oven.md'), false, 'a page that is hardly nearer than the last one gains nothing');
    const asked = nearnessOf('tests that seal jar');
    assert.ok(asked.get('test/jar.test.ts')! > asked.get('src/jar.ts')!, 'what is asked for is as near as it is');
  });

  it('takes a test without a vector to be as much less near as one that has one', () => {
    const files: Fixture = {
      'src/jar.ts': 'seal the jar',
      'src/lid.ts': 'seal the jar',
      'test/jar.test.ts': { text: 'seal the jar', role: 'test' },
      'src/oven.ts': 'steam the glass',
    };
    const { index } = build(files);
    const meaning = [
      { path: 'src/jar.ts', index: 0, similarity: 0.8 },
      { path: 'src/oven.ts', index: 0, similarity: 0.4 },
    ];
    const embedded = { share: 0.5, has: (path: string) => meaning.some((near) => near.path === path) };
    const nearnessOf = (query: string): Map<string, number> =>
      new Map(
        index
          .search(query, { limit: 10, meaning, embedded, explain: true })
          .map(({ path, parts }) => [path, parts!.find(({ name }) => name === 'meaning')!.value]),
      );
    const usual = nearnessOf('seal jar');
    assert.equal(usual.get('src/lid.ts'), usual.get('src/jar.ts'), 'as near as its words make likely');
    assert.ok(usual.get('test/jar.test.ts')! < usual.get('src/lid.ts')!);
    const asked = nearnessOf('tests that seal jar');
    assert.equal(asked.get('test/jar.test.ts'), asked.get('src/lid.ts'));
  });

  it('ranks by words alone with the weights of words, and beside meaning with those beside it', () => {
    const { index } = build({
      'src/auth.ts': 'the auth of users\n\nthe authenticator\n\nnothing',
      'src/login.ts': 'authentication of a user\n\nuser and user\n\nauth',
      'src/other.ts': 'nothing of it',
    });
    const meaning = [
      { path: 'src/other.ts', index: 0, similarity: 0.8 },
      { path: 'src/login.ts', index: 2, similarity: 0.7 },
    ];
    index.link('src/login.ts', [{ path: 'src/auth.ts', imported: true, calls: 1 }]);
    const { near, spread } = defaultWeights;
    const strange = { ...defaultWeights, besideMeaning: { near: 0.1, spread: 3, neighbours: 0 } };
    const asIfStrange = {
      ...defaultWeights,
      near: near * 0.1,
      spread: spread * 3,
      importNear: 0,
      callNear: 0,
      besideMeaning: { near: 1, spread: 1, neighbours: 1 },
    };
    const ask = (options: Partial<Parameters<SearchIndex['search']>[1]>) =>
      index.search('authentication of users', { limit: 20, ...options });
    assert.deepEqual(ask({ weights: strange }), ask({}), 'by words alone');
    assert.deepEqual(ask({ weights: strange, meaning: [] }), ask({}), 'no vectors are none');
    assert.notDeepEqual(ask({ weights: asIfStrange }), ask({}));
    assert.deepEqual(ask({ weights: strange, meaning }), ask({ weights: asIfStrange, meaning }), 'beside meaning');
    const linked = { ...asIfStrange, importNear: defaultWeights.importNear, callNear: defaultWeights.callNear };
    assert.notDeepEqual(ask({ weights: linked, meaning }), ask({ weights: asIfStrange, meaning }), 'without links');
    assert.notDeepEqual(ask({ weights: strange, meaning }), ask({ meaning }));
  });

  describe('where only some ranges have vectors', () => {
    const words = ['seal', 'jar', 'lid', 'press', 'oven', 'glass', 'shelf', 'steam'];
    const query = 'seal the jar with a lid';
    /** Numbers below 1 from a seed. */
    const randomFrom = (seed: number) => (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    /** Files of one range, of chance words, some of which have vectors of chance. */
    function chance(seed: number) {
      const random = randomFrom(seed);
      const files: Fixture = {};
      for (let i = 0; i < 60; i++) {
        const count = 3 + Math.floor(random() * 12);
        const text = Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(' ');
        files[`src/${i}.ts`] = text;
      }
      const share = random();
      const similarities = new Map(Object.keys(files).map((path) => [path, random()]));
      const embedded = new Set([...similarities.keys()].filter(() => random() < share));
      return { index: build(files).index, similarities, embedded };
    }
    const near = (similarities: ReadonlyMap<string, number>, embedded: ReadonlySet<string>) => ({
      meaning: [...embedded]
        .map((path) => ({ path, index: 0, similarity: similarities.get(path)! }))
        .sort((a, b) => b.similarity - a.similarity),
      embedded: { share: embedded.size / similarities.size, has: (path: string) => embedded.has(path) },
    });
    /** Words alone, with the weights that hold beside meaning. */
    const beside = { ...defaultWeights, near: defaultWeights.near * defaultWeights.besideMeaning.near };
    const shares = (index: SearchIndex): Map<string, number> => {
      const ranked = index.search(query, { limit: 100, weights: { ...beside, spread: 1 }, explain: true });
      const own = new Map(
        ranked.map(({ path, parts }) => {
          const valueOf = (name: string): number => parts!.find((each) => each.name === name)!.value;
          return [path, ['text', 'names', 'scope', 'defines'].reduce((sum, name) => sum + valueOf(name), 0)];
        }),
      );
      const best = Math.max(...own.values());
      return new Map([...own].map(([path, value]) => [path, value / best]));
    };
    /** One range a file and nothing else: files stand as their ranges do, but for how many of the words they cover. */
    const plain = { ...beside, coverage: 0, folderNear: 0, besideMeaning: { near: 1, spread: 1, neighbours: 1 } };

    for (let seed = 1; seed <= 40; seed++)
      it(`none falls behind for want of one (${seed})`, () => {
        const { index, similarities, embedded } = chance(seed);
        const share = shares(index);
        const given = near(similarities, embedded);
        const ranked = index.search(query, { limit: 100, weights: plain, explain: true, ...given });
        const place = new Map(ranked.map(({ path }, i) => [path, i]));
        const gain = new Map(
          ranked.map(({ path, parts }) => [path, parts!.find(({ name }) => name === 'meaning')?.value ?? 0]),
        );
        const [known, lacking] = [true, false].map((has) =>
          [...share.keys()].filter((path) => embedded.has(path) === has && share.get(path)! >= 0.05),
        );
        const sum = (of: (path: string) => number): number => known!.reduce((total, path) => total + of(path), 0);
        // What ranges gain that have a vector, for each share of the words.
        const usual = sum((path) => gain.get(path)! * share.get(path)!) / sum((path) => share.get(path)! ** 2);
        const most = Math.max(...gain.values());
        for (const one of lacking!) {
          const expected = known!.length === 0 ? 0 : Math.min(most, usual * share.get(one)!);
          for (const other of share.keys()) {
            if (share.get(other)! >= share.get(one)! - 1e-6) continue;
            // Fewer words: it comes first only for a nearness of its own, above what is usual for the words of the other.
            if (place.get(other)! < place.get(one)!) {
              assert.ok(embedded.has(other), `${one} and ${other} both have no vector`);
              assert.ok(gain.get(other)! > expected, `${other} before ${one}`);
            }
          }
        }
      });

    it('nothing changes where meaning says what words say', () => {
      const { index, similarities } = chance(7);
      const share = shares(index);
      const all = new Map([...similarities.keys()].map((path) => [path, share.get(path) ?? 0]));
      const checkOrder = (embedded: ReadonlySet<string>): void => {
        const ranked = index.search(query, { limit: 100, weights: plain, ...near(all, embedded) });
        assert.equal(ranked.length, share.size);
        ranked.forEach(({ path }, i) => {
          const next = ranked[i + 1]?.path;
          // Equal ones may stand in any order.
          if (next !== undefined) assert.ok(share.get(path)! >= share.get(next)! - 1e-5, `${path} before ${next}`);
        });
      };
      checkOrder(new Set(all.keys()));
      // The least near is always among them, so that all scales begin at 0.
      const least = [...all].find(([, value]) => value === 0)?.[0];
      assert.ok(least !== undefined, 'some range has none of the words');
      const random = randomFrom(3);
      for (const part of [0.9, 0.5, 0.2])
        checkOrder(new Set([...all.keys()].filter((path) => path === least || random() < part)));
    });
  });

  it('answers an empty index, an unknown word and a query of stop words', () => {
    const { index } = build({});
    assert.deepEqual(paths(index, 'anything'), []);
    const some = build({ 'a.ts': 'how is it', 'b.ts': 'x' }).index;
    assert.deepEqual(paths(some, 'zzz'), []);
    assert.deepEqual(paths(some, 'how is it'), ['a.ts']);
  });

  it('takes a query of 100 KB and regular-expression characters', () => {
    const { index } = build({ 'a.ts': 'needle' });
    assert.deepEqual(paths(index, `needle ${'word '.repeat(20_000)}`), ['a.ts']);
    assert.deepEqual(paths(index, 'needle.*+?^${}()|[]\\'), ['a.ts']);
  });
});
