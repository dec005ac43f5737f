import assert from 'node:assert/strict';
import { chunkText, modelText, questionText } from '../../../core/chunk/embeddingInput.ts';

describe('embeddingInput', () => {
  it('puts the scope before the lines', () => {
    assert.equal(chunkText('Server › listen', 'a\nb'), 'Server › listen\na\nb');
    assert.equal(chunkText('', 'a'), 'a');
  });

  const texts: [source: string, words: string][] = [
    ['getUserName', 'get User Name'],
    ['get_user_name', 'get user name'],
    ['HTTPServer2Go', 'HTTP Server2 Go'],
    ['if (a === b) { return x[0]; }', 'if a b return x 0'],
    ['// Says "hello".\n\tcall();', 'Says "hello call'],
    ['naïve café — größe', 'naïve café größe'],
    ['解析する', '解析する'],
    ['cafe\u0301', 'cafe\u0301'],
    ['a...b --flag', 'a b flag'],
    ['{}();', ''],
  ];
  for (const [source, words] of texts) {
    it(`reads ${JSON.stringify(source)} as words`, () => assert.equal(modelText(source), words));
  }

  const questions: [query: string, text: string][] = [
    ['fix(router): match optional parameters (#1234)', 'match optional parameters'],
    ['net/http: close idle connections', 'net http: close idle connections'],
    ['deps: see https://example.org/a/b?c=d for why', 'see for why'],
    ['#12', '12'],
    ['where are cookies signed', 'where are cookies signed'],
  ];
  for (const [query, text] of questions) {
    it(`asks ${JSON.stringify(query)}`, () => assert.equal(questionText(query), text));
  }

  it('takes a text of a megabyte without white space in good time', () => {
    const started = performance.now();
    modelText('aB_'.repeat(350_000));
    modelText('A'.repeat(1_000_000));
    modelText('-'.repeat(1_000_000));
    assert.ok(performance.now() - started < 5_000);
  });
});
