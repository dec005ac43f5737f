import assert from 'node:assert/strict';
import { packId } from '../../../core/pack/packParts.ts';
import type { FullPack } from '../../../core/pack/types.ts';
import { packFile } from './packFile.ts';

const text = 'a();\nb();\nfunction c() {\n}\n';
const shown = { startLine: 1, endLine: 2, kind: 'body', scope: '' } as const;

/** A pack of the first two lines of a file with these definitions. */
function packOf(symbols: string[], content = 'a();\nb();'): FullPack {
  const file = packFile('src/a.ts', text, { symbols });
  return {
    mode: 'full',
    files: [{ path: file.path, language: file.language, ranges: [{ ...shown, file, content }] }],
    used: [],
    signatures: [],
    leftOut: 0,
    held: [],
    renewed: [],
  };
}

/** As it is handed to the digest, to see all that goes into it. */
const idOf = (pack: FullPack): string => packId(pack, (all) => all);

describe('The id of a pack', () => {
  it('is made of what it shows, not of what else its files hold', () => {
    assert.equal(idOf(packOf(['c function 3-4'])), idOf(packOf([])));
    assert.doesNotMatch(idOf(packOf(['c function 3-4'])), /function/);
  });

  it('is another one for another text, another place and what is left out', () => {
    const ids = [
      packOf([]),
      packOf([], 'a();\nB();'),
      { ...packOf([]), leftOut: 1 },
      { ...packOf([]), held: [{ path: 'src/b.ts', startLine: 1, endLine: 2 }] },
    ].map(idOf);
    assert.equal(new Set(ids).size, ids.length);
  });
});
