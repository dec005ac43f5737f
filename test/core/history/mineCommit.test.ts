import assert from 'node:assert/strict';
import { mineCommit, type FileChange, type MinedCommit } from '../../../core/history/mineCommit.ts';

const message = 'Match routes with a trailing slash as well';
const changed = (...paths: string[]): FileChange[] => paths.map((path) => ({ status: 'M', path }));
const commit = (rest: Partial<MinedCommit>): MinedCommit => ({
  id: 'c0ffee',
  parents: ['parent'],
  author: 'Ada',
  message,
  files: changed('src/router.ts'),
  ...rest,
});

const leftOut: { name: string; commit: Partial<MinedCommit>; reason: string }[] = [
  { name: 'a merge', commit: { parents: ['a', 'b'] }, reason: 'merge' },
  {
    name: 'a merge that was squashed',
    commit: { message: 'Merge commit from fork of somebody else' },
    reason: 'merge',
  },
  { name: 'the first commit', commit: { parents: [] }, reason: 'root' },
  {
    name: 'a revert by its subject',
    commit: { message: 'Revert "Match routes with a trailing slash"' },
    reason: 'revert',
  },
  { name: 'a revert with a prefix', commit: { message: 'fix: revert the change of routes' }, reason: 'revert' },
  {
    name: 'a revert by its body',
    commit: { message: 'Take the slash back again\n\nThis reverts commit abc1234.' },
    reason: 'revert',
  },
  { name: 'a release by its number', commit: { message: 'v1.2.3' }, reason: 'release' },
  { name: 'a release by its word', commit: { message: 'Release 4.0.0 with all the routes' }, reason: 'release' },
  { name: 'a version bump', commit: { message: 'chore: bump version to 1.2.3 for all packages' }, reason: 'release' },
  {
    name: 'a bump of a dependency',
    commit: { message: 'build(deps): bump lodash from 4.0.0 to 4.1.0' },
    reason: 'release',
  },
  { name: 'a commit of a program', commit: { author: 'renovate[bot]' }, reason: 'automatic' },
  { name: 'a typo', commit: { message: 'Fix typos in the comments of the router' }, reason: 'short' },
  { name: 'work in progress', commit: { message: 'WIP match routes with a slash' }, reason: 'short' },
  { name: 'a formatter', commit: { message: 'style: run prettier on all the files' }, reason: 'short' },
  { name: 'three words', commit: { message: 'Fix router slash' }, reason: 'short' },
  { name: 'a message of links alone', commit: { message: 'https://example.org/a/b/c/d #12' }, reason: 'short' },
  { name: 'tests alone', commit: { files: changed('test/router.test.ts', 'README.md') }, reason: 'noSource' },
  { name: 'pictures alone', commit: { files: changed('src/logo.png') }, reason: 'noSource' },
  {
    name: 'six source files',
    commit: { files: changed('src/a.ts', 'src/b.ts', 'src/c.ts', 'src/d.ts', 'src/e.ts', 'src/f.ts') },
    reason: 'manyFiles',
  },
  {
    name: 'new and deleted files',
    commit: {
      files: [
        { status: 'A', path: 'src/a.ts' },
        { status: 'D', path: 'src/b.ts' },
      ],
    },
    reason: 'onlyNew',
  },
  {
    name: 'a pure rename',
    commit: { files: [{ status: 'R', path: 'src/b.ts', from: 'src/a.ts', similarity: 100 }] },
    reason: 'onlyRenames',
  },
];

describe('mineCommit leaves out', () => {
  for (const { name, commit: rest, reason } of leftOut)
    it(name, () => assert.deepEqual(mineCommit(commit(rest)), { leftOut: reason }));
});

const asked: { name: string; commit: Partial<MinedCommit>; gold: string[] }[] = [
  {
    name: 'changed source files, not tests and documents beside them',
    commit: { files: changed('src/router.ts', 'test/router.test.ts', 'docs/router.md', 'package.json') },
    gold: ['src/router.ts'],
  },
  {
    name: 'a renamed and changed file under its old name',
    commit: { files: [{ status: 'R', path: 'src/new.ts', from: 'src/old.ts', similarity: 80 }] },
    gold: ['src/old.ts'],
  },
  {
    name: 'five files, pure renames not counted',
    commit: {
      files: [
        ...changed('src/a.ts', 'src/b.ts', 'src/c.ts', 'src/d.ts', 'src/e.ts'),
        { status: 'R', path: 'src/g.ts', from: 'src/f.ts', similarity: 100 },
      ],
    },
    gold: ['src/a.ts', 'src/b.ts', 'src/c.ts', 'src/d.ts', 'src/e.ts'],
  },
  {
    name: 'a message that merely begins like a bump or a fix',
    commit: { message: 'Bumper cars collide with the walls of the arena', files: changed('src/cars.ts') },
    gold: ['src/cars.ts'],
  },
];

describe('mineCommit asks for', () => {
  for (const { name, commit: rest, gold } of asked)
    it(name, () => {
      const judged = mineCommit(commit(rest));
      assert.deepEqual('question' in judged ? judged.question.gold : judged, gold);
    });

  it('the cleaned message, at the parent', () => {
    const judged = mineCommit(commit({ message: `${message} (#12)\n\nSigned-off-by: A <a@b>` }));
    assert.deepEqual(judged, {
      question: { id: 'c0ffee', parent: 'parent', text: message, gold: ['src/router.ts'] },
    });
  });
});
