import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compareWithGit } from '../../../../bench/checkIgnore.ts';

/** More cases by hand: FUZZ_CASES=3000 FUZZ_SEED=7 npx mocha … */
const cases = Number(process.env['FUZZ_CASES'] ?? 60);
const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);

/** mulberry32: the same seed gives the same case on every machine. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const names = [
  'a',
  'b',
  'ab',
  'abc',
  'A',
  'a.log',
  'b.log',
  '.a',
  'a b',
  'a ',
  '#a',
  '!a',
  'a[b',
  'é',
  'a\\b',
  'a-b',
  'x1',
  '日本',
  'foo',
  'foobar',
  ']',
  'a*',
];
const atoms = [
  'a',
  'b',
  'c',
  '*',
  '**',
  '?',
  '/',
  '/',
  '.log',
  '[ab]',
  '[!a]',
  '[^a-z]',
  '[a-',
  '[]a]',
  '[[:alpha:]]',
  '[[:upper:]x]',
  '[[:foo:]]',
  '[a\\]b]',
  '\\',
  '\\*',
  '\\ ',
  ' ',
  'foo',
  'A',
  'é',
  '**/',
  '/**',
  '*/',
  '.',
  '[--0]',
  '[a-c-e]',
  '[/]',
  '-',
  '[[:a]',
  '!',
];

class Case {
  readonly random: () => number;
  constructor(seed: number) {
    this.random = randomOf(seed);
  }
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  pattern(): string {
    const parts = Array.from({ length: 1 + this.below(5) }, () =>
      this.random() < 0.35 ? this.pick(names) : this.pick(atoms),
    );
    const start = this.random() < 0.25 ? '!' : '';
    const end = this.random() < 0.2 ? '/' : this.random() < 0.1 ? '  ' : '';
    return start + parts.join('') + end;
  }
  ignoreFile(): string {
    const eol = this.random() < 0.2 ? '\r\n' : '\n';
    const bom = this.random() < 0.1 ? '\ufeff' : '';
    const lines = Array.from({ length: 1 + this.below(6) }, () => (this.random() < 0.1 ? '# a' : this.pattern()));
    return bom + lines.join(eol) + (this.random() < 0.5 ? eol : '');
  }
}

function plant(folder: string, made: Case, depth: number): void {
  if (made.random() < (depth === 0 ? 0.95 : 0.3)) writeFileSync(path.join(folder, '.gitignore'), made.ignoreFile());
  for (let i = 1 + made.below(6); i > 0; i--) {
    const target = path.join(folder, made.pick(names));
    try {
      if (depth < 3 && made.random() < 0.45) {
        mkdirSync(target);
        plant(target, made, depth + 1);
      } else writeFileSync(target, '', { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

describe('ignore rules against git, at random', function () {
  this.timeout(cases * 1_000);
  let repository: string;
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: repository, encoding: 'utf8' });

  before(() => {
    repository = mkdtempSync(path.join(os.tmpdir(), 'ignore-fuzz-'));
    git('init', '-q');
  });
  after(() => rmSync(repository, { recursive: true, force: true }));

  it(`agrees with git check-ignore on ${cases} random trees`, async () => {
    let compared = 0;
    let ignored = 0;
    for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
      const made = new Case(seed);
      for (const name of readdirSync(repository)) {
        if (name !== '.git') rmSync(path.join(repository, name), { recursive: true });
      }
      plant(repository, made, 0);
      writeFileSync(path.join(repository, '.git/info/exclude'), made.random() < 0.3 ? made.ignoreFile() : '');
      git('config', 'core.ignorecase', String(seed % 4 === 2));
      if (seed % 4 === 0) git('add', '-f', '--ignore-errors', '.');
      const result = await compareWithGit(repository, seed % 4 !== 0);
      assert.deepEqual(result.differences, [], `seed ${seed}`);
      compared += result.paths;
      ignored += result.ignoredByGit;
    }
    assert.ok(compared > cases * 3, `only ${compared} paths were compared`);
    assert.ok(ignored > cases / 2, `only ${ignored} paths were ignored: the cases are too tame`);
  });
});
