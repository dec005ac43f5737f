import assert from 'node:assert/strict';
import { Packer, shortened, type PackerOptions } from '../../../core/pack/packer.ts';
import type { FullPack } from '../../../core/pack/types.ts';
import { candidateOf, packFile } from './packFile.ts';

const many = 1_000_000;
const body = (name: string, lines: number): string =>
  Array.from({ length: lines }, (_, i) => `  ${name}.step${i}(${i});`).join('\n');

function packed(budget: number, options: Partial<PackerOptions> & Pick<PackerOptions, 'candidates'>): FullPack {
  const packer = new Packer({ limit: many, ...options });
  packer.spend(budget);
  return packer.document();
}

const ranges = ({ files }: FullPack): string[] =>
  files.flatMap(({ path, ranges: all }) =>
    all.map((range) => `${path}:${range.startLine}-${range.endLine} ${range.kind}`),
  );

const one = packFile('one.ts', `function one() {\n${body('alpha', 8)}\n}`, { symbols: ['one function 1-10'] });
const two = packFile('two.ts', `function two() {\n${body('beta', 8)}\n}`, { symbols: ['two function 1-10'] });
const three = packFile('three.ts', `function three() {\n${body('gamma', 40)}\n}`, { symbols: ['three function 1-42'] });

describe('Packer', () => {
  it('shows what fits as bodies, best first, and what does not as signatures', () => {
    const candidates = [candidateOf(one, 1, 10, 10), candidateOf(two, 1, 10, 9.8), candidateOf(three, 1, 42, 9.5)];
    const pack = packed(170, { candidates });
    assert.deepEqual(ranges(pack), ['one.ts:1-10 body', 'two.ts:1-10 body']);
    assert.deepEqual(pack.signatures, [{ path: 'three.ts', line: 1, text: 'function three()' }]);
    assert.equal(pack.leftOut, 1);
  });

  it('gives a small range that is nearly as good before a large one', () => {
    const candidates = [candidateOf(three, 1, 42, 10), candidateOf(one, 1, 10, 9.9)];
    assert.deepEqual(ranges(packed(120, { candidates })), ['one.ts:1-10 body']);
  });

  it('does not give a small range that is far worse first', () => {
    const candidates = [candidateOf(three, 1, 42, 10), candidateOf(one, 1, 10, 4)];
    assert.equal(ranges(packed(400, { candidates }))[0], 'three.ts:1-42 body');
  });

  it('gives no more bodies than the limit', () => {
    const candidates = [candidateOf(one, 1, 10, 10), candidateOf(two, 1, 10, 9)];
    const pack = packed(many, { candidates, limit: 1 });
    assert.deepEqual(ranges(pack), ['one.ts:1-10 body']);
    assert.equal(pack.leftOut, 1);
  });

  it('joins neighbours and fills a gap of an empty line', () => {
    const text = ['a1 = 1;', 'a2 = 2;', '', 'b1 = 1;', 'b2 = 2;', 'c1 = 1;'].join('\n');
    const file = packFile('a.ts', text);
    const candidates = [candidateOf(file, 4, 5, 10), candidateOf(file, 1, 2, 9.9), candidateOf(file, 6, 6, 9.8)];
    const pack = packed(many, { candidates });
    assert.deepEqual(ranges(pack), ['a.ts:1-6 body']);
    assert.equal(pack.files[0]!.ranges[0]!.content, text);
  });

  it('leaves out empty lines at the ends of a range', () => {
    const file = packFile('a.ts', '\n\nconst first = 1;\nconst last = 2;\n\n');
    assert.deepEqual(ranges(packed(many, { candidates: [candidateOf(file, 1, 6, 1)] })), ['a.ts:3-4 body']);
  });

  it('adds the header of the class around a method, and the imports it uses, at their own lines', () => {
    const lines = [
      "import { used } from './used';",
      "import { spare } from './spare';",
      ...Array.from({ length: 10 }, (_, i) => `const filler${i} = ${i} * 1000 + spare;`),
      'export class Box extends Base {',
      ...Array.from({ length: 10 }, (_, i) => `  field${i} = ${i} * 1000 + 17;`),
      '  open() {',
      '    return used(this.lid) + used(this.hinge) + used(this.lock) + used(this.key);',
      '  }',
      '}',
    ];
    const file = packFile('a.ts', lines.join('\n'), {
      symbols: ['Box class 13-27', 'Box.open method 24-26'],
      imports: [
        { module: './used', names: [{ name: 'used', alias: 'used' }], line: 1, exported: false },
        { module: './spare', names: [{ name: 'spare', alias: 'spare' }], line: 2, exported: false },
      ],
    });
    const pack = packed(many, { candidates: [candidateOf(file, 24, 26, 1)] });
    assert.deepEqual(ranges(pack), ['a.ts:1-1 context', 'a.ts:13-13 context', 'a.ts:24-26 body']);
    assert.equal(pack.files[0]!.ranges[1]!.content, 'export class Box extends Base {');
    assert.equal(pack.files[0]!.ranges[2]!.scope, '');
  });

  it('names the class around a method where its header is not shown', () => {
    const file = packFile('a.ts', `class Box {\n${body('lid', 30)}\n  open() {\n    return 1;\n  }\n}`, {
      symbols: ['Box class 1-35', 'Box.open method 32-34'],
    });
    const held = new Map([['a.ts', [{ startLine: 1, endLine: 1 }]]]);
    const [range] = packed(many, { candidates: [candidateOf(file, 32, 34, 1)], held }).files[0]!.ranges;
    assert.equal(range!.scope, 'Box');
  });

  it('gives a copy of what it has last', () => {
    const copy = packFile('copy.ts', one.slice(1, 10), { symbols: ['one function 1-10'] });
    const candidates = [candidateOf(one, 1, 10, 10), candidateOf(copy, 1, 10, 9.9), candidateOf(two, 1, 10, 9.5)];
    assert.deepEqual(ranges(packed(150, { candidates })), ['one.ts:1-10 body', 'two.ts:1-10 body']);
  });

  it('shows used definitions: short ones whole, long ones as signatures', () => {
    const candidate = candidateOf(one, 1, 10, 1);
    const range = { startLine: 1, endLine: 10 };
    const packer = new Packer({ candidates: [candidate], limit: many });
    packer.offerUsed(candidate, [
      { signature: { path: 'two.ts', line: 1, text: 'function two()' }, body: { file: two, range, tokens: 60 } },
      { signature: { path: 'three.ts', line: 1, text: 'function three()' }, body: null },
    ]);
    packer.spend(many);
    const pack = packer.document();
    assert.deepEqual(ranges(pack), ['one.ts:1-10 body', 'two.ts:1-10 used']);
    assert.deepEqual(pack.used, [{ path: 'three.ts', line: 1, text: 'function three()' }]);
  });

  it('says which ranges changed since the conversation got them', () => {
    const outdated = new Map([['two.ts', [{ startLine: 3, endLine: 4 }]]]);
    const candidates = [candidateOf(two, 1, 10, 10), candidateOf(one, 1, 10, 9)];
    assert.deepEqual(packed(many, { candidates, outdated }).renewed, [{ path: 'two.ts', startLine: 1, endLine: 10 }]);
  });

  it('gives back what it bought last, down to nothing', () => {
    const candidates = [candidateOf(one, 1, 10, 10), candidateOf(two, 1, 10, 9), candidateOf(three, 1, 42, 8)];
    const packer = new Packer({ candidates, limit: many });
    packer.spend(many);
    assert.equal(ranges(packer.document()).length, 3);
    assert.ok(packer.giveBack(1));
    assert.deepEqual(ranges(packer.document()), ['one.ts:1-10 body', 'two.ts:1-10 body']);
    while (packer.giveBack(1));
    assert.deepEqual(packer.document().files, []);
  });

  it('copes with 5,000 definitions in one file', () => {
    const lines = Array.from({ length: 5_000 }, (_, i) => `const value${i} = ${i};`);
    const file = packFile('many.ts', lines.join('\n'), {
      symbols: lines.map((_, i) => `value${i} constant ${i + 1}-${i + 1}`),
    });
    const candidates = Array.from({ length: 50 }, (_, i) => candidateOf(file, 100 * i + 1, 100 * i + 50, 50 - i / 10));
    const pack = packed(3_000, { candidates });
    assert.ok(pack.files.length === 1 && pack.files[0]!.ranges.length > 3);
  });
});

describe('shortened', () => {
  it('cuts at a line', () => {
    const part = shortened(candidateOf(three, 1, 42, 1), 60)!;
    assert.ok(part.endLine < 42);
    assert.equal(part.content, three.slice(1, part.endLine));
  });

  it('says so when not one line fits', () => assert.equal(shortened(candidateOf(one, 1, 10, 1), 5), undefined));
});
