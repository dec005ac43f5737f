import assert from 'node:assert/strict';
import path from 'node:path';
import { toOsPath, toWorkspacePath } from '../../../../server/indexing/discovery/workspacePath.ts';

const systems = { posix: path.posix, win32: path.win32 };

describe('workspace paths', () => {
  for (const [system, root, osPath, expected] of [
    ['posix', '/w/app', '/w/app/src/a.ts', 'src/a.ts'],
    ['posix', '/w/app', '/w/app', ''],
    ['posix', '/w/app/', '/w/app/a', 'a'],
    ['posix', '/', '/a/b', 'a/b'],
    ['posix', '/w/app', 'src/a.ts', 'src/a.ts'],
    ['posix', '/w/app', './src/../b.ts', 'b.ts'],
    ['posix', '/w/app', '../other/a.ts', null],
    ['posix', '/w/app', '/w/apple/a.ts', null],
    ['posix', '/w/app', '/w/App/a.ts', null],
    ['posix', '/w/app', '/w/app/..hidden/a', '..hidden/a'],
    ['posix', '/w/app', '/w/app/a\\b', 'a\\b'],
    ['posix', '/w/app', '/w/app/a\nb', 'a\nb'],
    ['win32', 'C:\\w\\app', 'C:\\w\\app\\src\\a.ts', 'src/a.ts'],
    ['win32', 'C:\\w\\app', 'c:\\w\\app\\src\\a.ts', 'src/a.ts'],
    ['win32', 'c:\\W\\App', 'C:\\w\\app\\Src\\A.ts', 'Src/A.ts'],
    ['win32', 'C:\\w\\app', 'C:/w/app/src/a.ts', 'src/a.ts'],
    ['win32', 'C:\\w\\app', 'src/a\\b.ts', 'src/a/b.ts'],
    ['win32', 'C:\\w\\app\\', 'C:\\w\\app', ''],
    ['win32', 'C:\\', 'C:\\a', 'a'],
    ['win32', 'C:\\w\\app', 'D:\\w\\app\\a', null],
    ['win32', 'C:\\w\\app', '..\\a', null],
    ['win32', '\\\\host\\share\\app', '\\\\HOST\\share\\app\\a\\b', 'a/b'],
    ['win32', '\\\\host\\share\\app', '\\\\host\\other\\app\\a', null],
    ['win32', 'C:\\w\\app', '\\\\?\\C:\\w\\app\\a', 'a'],
    ['win32', '\\\\host\\share', '\\\\?\\UNC\\host\\share\\a', 'a'],
  ] as const) {
    it(`takes ${JSON.stringify(osPath)} in ${root} as ${JSON.stringify(expected)}`, () => {
      assert.equal(toWorkspacePath(root, osPath, systems[system]), expected);
    });
  }

  for (const [system, root, relative, expected] of [
    ['posix', '/w/app', 'src/a.ts', '/w/app/src/a.ts'],
    ['posix', '/', 'a', '/a'],
    ['posix', '/w/app', '', '/w/app'],
    ['posix', '/w/app', 'out/', '/w/app/out'],
    ['posix', '/w/app', 'con', '/w/app/con'],
    ['posix', '/w/app', 'a\\b:c', '/w/app/a\\b:c'],
    ['win32', 'C:\\w\\app', 'src/a.ts', 'C:\\w\\app\\src\\a.ts'],
    ['win32', 'C:\\', 'a', 'C:\\a'],
    ['win32', '\\\\host\\share', 'a/b', '\\\\host\\share\\a\\b'],
    ['win32', 'C:\\w', 'console/contra.ts', 'C:\\w\\console\\contra.ts'],
  ] as const) {
    it(`finds ${JSON.stringify(relative)} of ${root} at ${expected}`, () => {
      assert.equal(toOsPath(root, relative, systems[system]), expected);
    });
  }

  for (const [system, relative] of [
    ['posix', '../a'],
    ['posix', 'a/../../b'],
    ['posix', '/etc/passwd'],
    ['posix', 'a\0b'],
    ['win32', '../a'],
    ['win32', '..\\a'],
    ['win32', 'C:/a'],
    ['win32', 'a/CON'],
    ['win32', 'nul.txt'],
    ['win32', 'com1/x'],
    ['win32', 'a?b'],
    ['win32', 'a./b'],
  ] as const) {
    it(`refuses ${JSON.stringify(relative)} under ${system}`, () => {
      const root = system === 'posix' ? '/w' : 'C:\\w';
      assert.throws(() => toOsPath(root, relative, systems[system]), { code: 'invalid_input' });
    });
  }

  it('brings every path back that it gave out', () => {
    for (const relative of ['a', 'a b/c.ts', 'ü/日本.ts', 'x/y/z/.hidden']) {
      for (const [root, rules] of [
        ['/w/app', path.posix],
        ['C:\\w\\app', path.win32],
      ] as const) {
        assert.equal(toWorkspacePath(root, toOsPath(root, relative, rules), rules), relative);
      }
    }
  });
});
