import assert from 'node:assert/strict';
import { renderPack } from '../../../core/format/render.ts';
import type { PackDocument } from '../../../core/pack/types.ts';

const pack: PackDocument = {
  mode: 'full',
  leftOut: 2,
  files: [
    {
      path: 'src/a.ts',
      language: 'typescript',
      ranges: [{ startLine: 3, endLine: 4, scope: 'Box › open', content: 'a();\nb();' }],
    },
  ],
};
const map: PackDocument = {
  mode: 'map',
  leftOut: 0,
  files: [
    {
      path: 'src/a.ts',
      language: 'typescript',
      entries: [
        { line: 1, depth: 0, signature: 'class Box' },
        { line: 3, depth: 1, signature: 'open(): void' },
      ],
    },
  ],
};
const of = (path: string, content: string): PackDocument => ({
  mode: 'full',
  leftOut: 0,
  files: [{ path, language: 'text', ranges: [{ startLine: 1, endLine: 1, scope: '', content }] }],
});

describe('renderPack', () => {
  it('writes markdown with place, scope and a fence', () => {
    assert.equal(
      renderPack(pack, 'markdown'),
      '### src/a.ts:3-4 (Box › open)\n```typescript\na();\nb();\n```\n\n_2 more matching items did not fit the budget._\n',
    );
  });

  it('writes plain text', () => {
    assert.equal(
      renderPack(pack, 'plain'),
      '==> src/a.ts:3-4 (Box › open)\na();\nb();\n\n2 more matching items did not fit the budget.\n',
    );
  });

  it('writes xml', () => {
    assert.equal(
      renderPack(pack, 'xml'),
      '<context mode="full" left_out="2">\n<file path="src/a.ts" language="typescript">\n' +
        '<range lines="3-4" scope="Box › open"><![CDATA[a();\nb();]]></range>\n</file>\n</context>\n',
    );
  });

  it('writes json that reads back', () => {
    assert.deepEqual(JSON.parse(renderPack(pack, 'json')), {
      mode: 'full',
      files: [
        {
          path: 'src/a.ts',
          language: 'typescript',
          ranges: [{ start_line: 3, end_line: 4, scope: 'Box › open', content: 'a();\nb();' }],
        },
      ],
      left_out: 2,
    });
  });

  it('writes a map with line numbers and nesting', () => {
    assert.equal(renderPack(map, 'plain'), '==> src/a.ts\n    1  class Box\n    3    open(): void\n');
  });

  it('fences content that holds fences', () => {
    assert.match(renderPack(of('a.md', 'x\n````\ny'), 'markdown'), /^`````\nx\n````\ny\n`````$/m);
  });

  it('keeps xml well formed whatever the content and the path hold', () => {
    const text = renderPack(of('a"<b>\n&.ts', 'a ]]> b \u0001 <tag>'), 'xml');
    assert.match(text, /path="a&quot;&lt;b&gt;&#10;&amp;\.ts"/);
    assert.match(text, /<!\[CDATA\[a \]\]\]\]><!\[CDATA\[> b \ufffd <tag>\]\]>/);
  });

  it('keeps a path with a line break on one line', () => {
    assert.match(renderPack(of('a\nb.ts', 'x'), 'markdown'), /^### "a\\nb\.ts":1-1$/m);
  });
});
