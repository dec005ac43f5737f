import assert from 'node:assert/strict';
import { parsePack } from '../../../core/format/parsePack.ts';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { renderPack, renderPieces, type RenderFormat } from '../../../core/format/render.ts';
import { partsOf } from '../../../core/pack/packParts.ts';
import { tokensOfPieces } from '../../../core/pack/rangeFacts.ts';
import type { FullPack, MapPack, PackDocument, PackedRange } from '../../../core/pack/types.ts';
import { packFile } from '../pack/packFile.ts';

const formats: RenderFormat[] = ['markdown', 'xml', 'json', 'plain'];

const range = (startLine: number, content: string, rest: Partial<PackedRange> = {}): PackedRange => ({
  startLine,
  endLine: startLine + content.split('\n').length - 1,
  file: packFile('src/a.ts', `${'\n'.repeat(startLine - 1)}${content}`),
  kind: 'body',
  scope: '',
  content,
  ...rest,
});

function full(files: [path: string, ...ranges: PackedRange[]][], rest: Partial<FullPack> = {}): FullPack {
  return {
    mode: 'full',
    files: files.map(([path, ...ranges]) => ({ path, language: 'typescript', ranges })),
    used: [],
    signatures: [],
    leftOut: 0,
    held: [],
    renewed: [],
    ...rest,
  };
}

const single = full([['src/a.ts', range(3, 'a();\nb();', { scope: 'Box › open' })]], { leftOut: 2 });
const several = full(
  [['src/a.ts', range(1, 'import { b } from "./b";', { kind: 'context' }), range(7, 'b();\n\nc();')]],
  {
    signatures: [{ path: 'src/c.ts', line: 9, text: 'function c(): void' }],
    leftOut: 1,
    held: [{ path: 'src/h.ts', startLine: 1, endLine: 9 }],
    renewed: [{ path: 'src/a.ts', startLine: 7, endLine: 9 }],
  },
);
const map: MapPack = {
  mode: 'map',
  leftOut: 3,
  files: [
    {
      path: 'src/a.ts',
      language: 'typescript',
      entries: [
        { line: 1, depth: 0, signature: 'class Box', gap: false },
        { line: 13, depth: 1, signature: 'open(): void', gap: true },
      ],
      more: true,
    },
  ],
};

describe('renderPack', () => {
  it('writes markdown with place, scope and a fence', () => {
    assert.equal(
      renderPack(single, 'markdown'),
      '### src/a.ts:3-4 (Box › open)\n```typescript\na();\nb();\n```\n\n_2 more matching ranges did not fit the budget._\n',
    );
  });

  it('writes several ranges of a file in one block, each behind its lines, and what is left out', () => {
    assert.equal(
      renderPack(several, 'markdown'),
      [
        '### src/a.ts',
        '```typescript',
        '… 1-1',
        'import { b } from "./b";',
        '… 7-9',
        'b();',
        '',
        'c();',
        '```',
        '',
        '### Also relevant, as signatures',
        '```',
        'src/c.ts:9 function c(): void',
        '```',
        '',
        '_In the conversation already, unchanged: src/h.ts:1-9._',
        '_Changed since the conversation got it: src/a.ts:7-9._',
        '_1 more matching range did not fit the budget, 1 of them named above._',
        '',
      ].join('\n'),
    );
  });

  it('writes plain text', () => {
    assert.equal(
      renderPack(single, 'plain'),
      '==> src/a.ts:3-4 (Box › open)\na();\nb();\n\n2 more matching ranges did not fit the budget.\n',
    );
  });

  it('writes xml', () => {
    assert.equal(
      renderPack(several, 'xml'),
      '<context mode="full" left_out="1">\n<file path="src/a.ts" language="typescript">\n' +
        '<range lines="1-1" kind="context"><![CDATA[import { b } from "./b";]]></range>\n' +
        '<range lines="7-9"><![CDATA[b();\n\nc();]]></range>\n</file>\n' +
        '<also_relevant>\n<signature path="src/c.ts" line="9">function c(): void</signature>\n</also_relevant>\n' +
        '<held path="src/h.ts" lines="1-9"/>\n<renewed path="src/a.ts" lines="7-9"/>\n</context>\n',
    );
  });

  it('writes json that reads back', () => {
    assert.deepEqual(JSON.parse(renderPack(several, 'json')), {
      mode: 'full',
      files: [
        {
          path: 'src/a.ts',
          language: 'typescript',
          ranges: [
            { start_line: 1, end_line: 1, kind: 'context', scope: '', content: 'import { b } from "./b";' },
            { start_line: 7, end_line: 9, kind: 'body', scope: '', content: 'b();\n\nc();' },
          ],
        },
      ],
      also_relevant: [{ path: 'src/c.ts', line: 9, text: 'function c(): void' }],
      held: [{ path: 'src/h.ts', start_line: 1, end_line: 9 }],
      renewed: [{ path: 'src/a.ts', start_line: 7, end_line: 9 }],
      left_out: 1,
    });
    assert.deepEqual(JSON.parse(renderPack(map, 'json')), {
      mode: 'map',
      files: [
        {
          path: 'src/a.ts',
          language: 'typescript',
          symbols: [
            { line: 1, depth: 0, signature: 'class Box' },
            { line: 13, depth: 1, signature: 'open(): void', gap: true },
          ],
          more: true,
        },
      ],
      left_out: 3,
    });
  });

  it('writes a map with line numbers, nesting and marks for what is left out', () => {
    assert.equal(
      renderPack(map, 'plain'),
      '==> src/a.ts\n1  class Box\n…\n13   open(): void\n…\n\n3 more definitions did not fit the budget.\n',
    );
  });

  it('fences content that holds fences', () => {
    const text = renderPack(full([['a.md', range(1, 'x\n````\ny')]]), 'markdown');
    assert.match(text, /^`````typescript\nx\n````\ny\n`````$/m);
  });

  it('keeps xml well formed whatever the content and the path hold', () => {
    const text = renderPack(full([['a"<b>\n&.ts', range(1, 'a ]]> b \u0001 <tag>')]]), 'xml');
    assert.match(text, /path="a&quot;&lt;b&gt;&#10;&amp;\.ts"/);
    assert.match(text, /<!\[CDATA\[a \]\]\]\]><!\[CDATA\[> b \ufffd <tag>\]\]>/);
  });

  it('keeps a path with a line break on one line', () => {
    assert.match(renderPack(full([['a\nb.ts', range(1, 'x')]]), 'markdown'), /^### "a\\nb\.ts":1-1$/m);
  });
});

const nasty = full(
  [
    ['a:1-2.ts', range(1, '… 3-4\n### a.ts:1-2\n```\n==> b.ts:1-1', { kind: 'context' }), range(9, '\n  x  \n')],
    ['b (c).ts', range(4, ']]>\n<range lines="1-1">', { scope: 'f(x) › g' })],
    ['d"\\e.ts', range(2, '  // indented\n/* slash')],
  ],
  { used: [{ path: 'u.ts', line: 3, text: 'f(a: "<b>"): \\`x\\`' }], leftOut: 2 },
);

describe('parsePack', () => {
  const packs: [name: string, pack: PackDocument][] = [
    ['one range', single],
    ['several ranges', several],
    ['a map', map],
    ['text that looks like a pack', nasty],
  ];
  for (const [name, pack] of packs) {
    for (const format of formats) {
      it(`reads ${name} back from ${format}`, () => {
        const asWritten = partsOf(pack, (text) => text).map(({ path, startLine, endLine, hash }) => ({
          path,
          startLine,
          endLine,
          content: hash,
        }));
        const read = parsePack(renderPack(pack, format))!.map(({ path, startLine, endLine, content }) => ({
          path,
          startLine,
          endLine,
          content,
        }));
        assert.deepEqual(read, asWritten);
      });
    }
  }

  it('reads what select --json prints', () => {
    const text = JSON.stringify({ context: renderPack(single, 'xml'), chunks: [], metadata: {} });
    assert.equal(parsePack(text)!.length, 1);
  });

  for (const text of ['', 'some text', '{"a":1}', '{broken', '<html></html>', '# Title\n### x'])
    it(`takes ${JSON.stringify(text)} for no pack`, () => assert.equal(parsePack(text)?.length ?? 0, 0));
});

describe('Pieces of a pack', () => {
  const count = (text: string): number => countTokens(text, { disallowedSpecial: new Set<string>() });
  const counter = { count: (texts: readonly string[]) => Promise.resolve(texts.map(count)) };

  for (const format of formats) {
    it(`have as many tokens one by one in ${format} as together`, async () => {
      for (const pack of [single, several, map, nasty]) {
        const pieces = renderPieces(pack, format);
        assert.equal(await tokensOfPieces(counter, pieces), count(renderPack(pack, format)));
        // What is known of its ranges is used again.
        assert.equal(await tokensOfPieces(counter, pieces), count(renderPack(pack, format)));
      }
    });

    it(`have so in ${format} whatever their ranges begin and end with`, async () => {
      const edge = fc.constantFrom(
        '/',
        '//',
        '/** a',
        '  / b',
        '}',
        ');',
        'a',
        '9',
        '"',
        ' x',
        '\t',
        '`',
        '\u00a0y',
        '。',
        'é/',
      );
      const content = fc.array(edge, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n'));
      const scope = fc.constantFrom('', 'Box › open', '(a)');
      await fc.assert(
        fc.asyncProperty(content, content, scope, async (first, second, name) => {
          const pack = full([['src/a.ts', range(1, first, { scope: name }), range(9, second, { scope: name })]]);
          const text = renderPack(pack, format);
          assert.equal(await tokensOfPieces(counter, renderPieces(pack, format)), count(text), text);
        }),
        { numRuns: 200 },
      );
    });
  }
});
