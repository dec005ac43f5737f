import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Parser } from 'web-tree-sitter';
import { createWordPiece } from '../../core/tokens/wordPiece.ts';
import { analyzeText } from '../../syntax/analyzeText.ts';
import { editBetween } from '../../syntax/keptTrees.ts';
import { openSyntax, type Syntax } from '../../syntax/parser.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');
const wordPiece = createWordPiece(readFileSync(path.join(dist, 'wordpiece.txt'), 'utf8'));
const open = (): Promise<Syntax> =>
  openSyntax({ wasmFile: path.join(dist, 'web-tree-sitter.wasm'), grammarDir: path.join(dist, 'grammars') });
const options = { wordPiece, deadlineMs: 20_000 };

const python = `class Box:\n    """Holds things."""\n\n    def open(self, key):\n        if key:\n            return f"{key}!"\n        return [one for one in self.all]\n\n`;
const java = `  /** Says what. */\n  @Override\n  public <T> List<T> open(final String key, int... ids) throws IOException {\n    if (key == null) { throw new IOException("no key"); }\n    return ids.length > 0 ? this.all.get(key) : new ArrayList<>() {{ add(null); }};\n  }\n\n`;
const rust = `/// Says what.\nimpl<T: Clone> Box<T> {\n    pub fn open(&self, key: &str) -> Option<T> {\n        match key { "" => None, _ => self.all.get(key).cloned() }\n    }\n}\n\n`;
const c = `/* Says what. */\n#define OPEN(a) ((a) + 1)\nstatic int open_box(const char *key, int n)\n{\n    if (!key)\n        return -1;\n    return OPEN(n) * 2; // why\n}\n\n`;
const texts: [file: string, text: string][] = [
  ['box.py', python.repeat(120)],
  ['box.rs', rust.repeat(100)],
  ['box.c', c.repeat(110)],
  ['Box.java', `package box;\n\nclass Box {\n${java.repeat(80)}}\n`],
];

const rounds = 25;

describe('trees that are kept', function () {
  this.timeout(60_000);

  /** Edits as people make them, some of which break the syntax: lines gone, moved, changed in the middle. */
  function edited(text: string, random: (below: number) => number): string {
    const lines = text.split('\n');
    const at = random(lines.length);
    const line = lines[at]!;
    const inLine = random(line.length + 1);
    const pieces = ['{', '}', '(', '"', "'", '`', ';', ' // 🚀', ' # and why', 'x', '\n\n', '/*'];
    const ways = [
      () => lines.splice(at, 1 + random(5)),
      () => lines.splice(at, 0, ...lines.slice(0, random(20))),
      () => (lines[at] = line.slice(0, inLine) + pieces[random(pieces.length)]! + line.slice(inLine)),
      () => (lines[at] = `${line} 🚀`),
    ];
    ways[random(ways.length)]!();
    return lines.join('\n');
  }

  for (const [file, whole] of texts)
    it(`give of ${file}, however it is edited, what a whole parse gives`, async () => {
      const [keeping, afresh] = [await open(), await open()];
      let seed = 3;
      // Without the low bits, which come round soon.
      const random = (below: number): number =>
        ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) >>> 12) % below;
      let broken = 0;
      let text = whole;
      for (let round = 0; round < rounds; round++) {
        const found = await analyzeText(file, text, { ...options, syntax: keeping, keepTreeAs: file });
        assert.deepEqual(found, await analyzeText(file, text, { ...options, syntax: afresh }), `round ${round}`);
        if (found.syntaxErrors) broken++;
        // Half of the time it is mended again.
        text = edited(random(2) === 0 ? whole : text, random);
      }
      assert.ok(broken > 0 && broken < rounds, `${broken} of ${rounds} texts were broken`);
    });

  it('count for nothing where the syntax is broken: errors are recovered from in another way then', async () => {
    const syntax = await open();
    const long = '// long enough to be kept\n'.repeat(700);
    const part =
      'class A {\n  int f(int a) { return g(a); }\n  @B void h() { if (x) { y(); } }\n  String s = "a" + 1;\n}\n';
    const text = long + part.repeat(3);
    const broken = long + part + part.replace('h() {', 'h() ;') + part;
    await analyzeText('A.java', text, { ...options, syntax, keepTreeAs: 'A.java' });
    assert.deepEqual(
      await analyzeText('A.java', broken, { ...options, syntax, keepTreeAs: 'A.java' }),
      await analyzeText('A.java', broken, { ...options, syntax }),
    );
  });

  it('count where the same is broken as before and elsewhere, in languages whose parser recovers alike', async () => {
    const syntax = await open();
    // The grammar of C knows nothing of macros that stand for parts of syntax.
    const macros = 'FOR_EACH(box, all)\n    use(box)\nEND_EACH;\n\n';
    const text = c.repeat(60) + macros + c.repeat(60);
    // One after the other.
    const more = `${text}/* more */\n`;
    const before = more.replace('Says what', 'Says why');
    const within = before.replace('all)', 'all) /* of them */');
    const mended = within.replace(macros.replace('all)', 'all) /* of them */'), '');
    const edits: [edited: string, parses: string[]][] = [
      [text, ['whole']],
      [more, ['changed']],
      [before, ['changed']],
      [within, ['changed', 'whole']],
      [mended, ['changed']],
      [text, ['changed', 'whole']],
    ];
    for (const [edited, parses] of edits) {
      const found: unknown[] = [];
      const keep = { ...options, syntax, keepTreeAs: 'box.c' };
      const done = await parsesDuring(async () => found.push(await analyzeText('box.c', edited, keep)));
      found.push(await analyzeText('box.c', edited, { ...options, syntax: await open() }));
      assert.deepEqual(found[0], found[1]);
      assert.deepEqual(done, parses);
    }
  });

  it('are compared however deep what is broken is nested, and however much is', async () => {
    const syntax = await open();
    const deep = `int x = ${'('.repeat(20_000)}1 $ 2${')'.repeat(20_000)};\n`;
    for (const [text, again] of [
      [deep, 'changed'],
      ['int y = = 3;\n'.repeat(2_000), 'whole'],
    ] as const) {
      assert.deepEqual(await parsing(syntax, 'a.c', text, again), ['whole']);
      const parses = await parsing(syntax, 'a.c', `${text}int z;\n`, again);
      assert.equal(parses.at(-1), again);
    }
  });

  /** Whether each parse during `work` went on from a tree. */
  async function parsesDuring(work: () => Promise<unknown>): Promise<('whole' | 'changed')[]> {
    const parse = Object.getOwnPropertyDescriptor(Parser.prototype, 'parse')!.value as Parser['parse'];
    const parses: ('whole' | 'changed')[] = [];
    Parser.prototype.parse = function (read, before, ...others) {
      parses.push(before === undefined || before === null ? 'whole' : 'changed');
      return parse.call(this, read, before, ...others);
    };
    try {
      await work();
    } finally {
      Parser.prototype.parse = parse;
    }
    return parses;
  }

  const parsing = (syntax: Syntax, file: string, text: string, keepTreeAs = file): Promise<('whole' | 'changed')[]> =>
    parsesDuring(() => analyzeText(file, text, { ...options, syntax, keepTreeAs }));

  it('are gone on from, also when others were parsed meanwhile', async () => {
    const syntax = await open();
    const [file, text] = texts[0]!;
    assert.deepEqual(await parsing(syntax, file, text), ['whole']);
    assert.deepEqual(await parsing(syntax, ...texts[1]!), ['whole']);
    assert.deepEqual(await parsing(syntax, file, text.replace('Holds', 'Has')), ['changed']);
    assert.deepEqual(await parsing(syntax, file, `${text}\n)`), ['changed', 'whole']);
  });

  it('are not of short files, nor of languages whose parser gives something else then', async () => {
    const syntax = await open();
    const script = 'let a = 1 // why\n'.repeat(2_000);
    for (const [file, text] of [
      ['a.py', python],
      ['a.ts', script],
      ['a.js', script],
    ] as const) {
      assert.deepEqual(await parsing(syntax, file, text), ['whole']);
      assert.deepEqual(await parsing(syntax, file, text), ['whole']);
    }
  });

  it('are as few as fit into the memory for them', async () => {
    const syntax = await open();
    const large = `class A {\n${'int a;\n'.repeat(30_000)}}\n`;
    // Five times 210,000 characters are more than a million: the oldest goes.
    for (const file of ['a.java', 'b.java', 'c.java', 'd.java', 'e.java']) await parsing(syntax, file, large);
    assert.deepEqual(await parsing(syntax, 'e.java', large), ['changed']);
    assert.deepEqual(await parsing(syntax, 'a.java', large), ['whole']);
  });
});

describe('editBetween', () => {
  const table: [before: string, after: string, edit: [start: number, oldEnd: number, newEnd: number]][] = [
    ['same', 'same', [4, 4, 4]],
    ['', 'new', [0, 0, 3]],
    ['gone', '', [0, 4, 0]],
    ['a\nb\nc', 'a\nbb\nc', [3, 3, 4]],
    ['a\nb\nc', 'a\nc', [2, 4, 2]],
    ['aa', 'aaa', [2, 2, 3]],
  ];
  for (const [before, after, [start, oldEnd, newEnd]] of table)
    it(`makes ${JSON.stringify(after)} of ${JSON.stringify(before)}`, () => {
      const edit = editBetween(before, after);
      assert.deepEqual([edit.startIndex, edit.oldEndIndex, edit.newEndIndex], [start, oldEnd, newEnd]);
      assert.equal(before.slice(0, start) + after.slice(start, newEnd) + before.slice(oldEnd), after);
      assert.equal(edit.newEndPosition.row, after.slice(0, newEnd).split('\n').length - 1);
      assert.equal(edit.newEndPosition.column, after.slice(0, newEnd).split('\n').at(-1)!.length);
    });
});
