import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { stampOf } from '../../../../server/indexing/discovery/listFolder.ts';
import { readSource, type SourceRead } from '../../../../server/indexing/discovery/readSource.ts';
import { removeScratchFolders, scratchFolder } from './scratchFolder.ts';

const limits = { maxFileKb: 1024 };

function read(content: string | Uint8Array, name = 'a.ts'): SourceRead {
  const file = path.join(scratchFolder({ [name]: content }), name);
  return readSource(file, stampOf(fs.lstatSync(file)), limits);
}

const textOf = (source: SourceRead): string => {
  assert.equal(source.kind, 'text', JSON.stringify(source));
  return source.kind === 'text' ? source.text : '';
};

const skipOf = (source: SourceRead): string =>
  source.kind === 'skip' ? `${source.reason}: ${source.detail}` : `read as ${source.encoding}`;

const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const code = 'const größe = 1;\nexport { größe };\n';

describe('reading a source file', () => {
  after(removeScratchFolders);

  for (const { name, bytes, encoding, text } of [
    { name: 'UTF-8', bytes: Buffer.from(code), encoding: 'utf-8', text: code },
    { name: 'UTF-8 with a mark', bytes: Buffer.from(`\ufeff${code}`), encoding: 'utf-8', text: code },
    { name: 'UTF-16 LE with a mark', bytes: Buffer.from(`\ufeff${code}`, 'utf16le'), encoding: 'utf-16le', text: code },
    { name: 'UTF-16 BE with a mark', bytes: swapped(`\ufeff${code}`), encoding: 'utf-16be', text: code },
    { name: 'UTF-16 LE without a mark', bytes: Buffer.from(code, 'utf16le'), encoding: 'utf-16le', text: code },
    { name: 'UTF-16 BE without a mark', bytes: swapped(code), encoding: 'utf-16be', text: code },
    { name: 'Latin-1', bytes: Buffer.from(code, 'latin1'), encoding: 'windows-1252', text: code },
    {
      name: 'Windows-1252',
      bytes: Buffer.from([0x2f, 0x2f, 0x20, 0x80, 0x35]),
      encoding: 'windows-1252',
      text: '// €5',
    },
    { name: 'an empty file', bytes: Buffer.alloc(0), encoding: 'utf-8', text: '' },
  ]) {
    it(`decodes ${name}`, () => {
      const source = read(bytes);
      assert.equal(textOf(source), text);
      assert.ok(source.kind === 'text' && source.encoding === encoding);
    });
  }

  it('keeps line ends as they are', () => {
    assert.equal(textOf(read('a\r\nb\rc\n')), 'a\r\nb\rc\n');
  });

  it('hashes the bytes on disk and gives the stamp they belong to', () => {
    const file = path.join(scratchFolder({ 'a.ts': '\ufeffx' }), 'a.ts');
    const source = readSource(file, { size: 1, mtimeMs: 1, inode: 1 }, limits);
    assert.ok(source.kind === 'text');
    assert.equal(source.hash, createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
    assert.deepEqual(source.stamp, stampOf(fs.lstatSync(file)));
  });

  for (const { name, bytes } of [
    { name: 'NUL bytes', bytes: Buffer.from('int main\0() {}\0\0more text than that') },
    { name: 'NUL bytes behind a UTF-16 mark', bytes: Buffer.from([0xff, 0xfe, 0, 0, 65, 0]) },
    { name: 'random bytes', bytes: Buffer.from(Array.from({ length: 500 }, (_, i) => ((i * 7919) % 255) + 1)) },
    { name: 'control characters', bytes: Buffer.from('\x01\x02\x03\xff\x05\x06', 'latin1') },
  ]) {
    it(`calls ${name} binary`, () => assert.match(skipOf(read(bytes)), /^binary: /));
  }

  it('never opens a file that is larger than allowed', () => {
    const file = path.join(scratchFolder(), 'big.ts');
    fs.writeFileSync(file, '');
    fs.truncateSync(file, 200 * 1024 * 1024);
    const started = performance.now();
    const source = readSource(file, stampOf(fs.lstatSync(file)), limits);
    assert.equal(skipOf(source), 'too_large: 200.0 MB, the limit is 1024 KB');
    // Also when it has grown since it was listed.
    assert.equal(skipOf(readSource(file, { size: 0, mtimeMs: 0, inode: 0 }, limits)), skipOf(source));
    assert.ok(performance.now() - started < 100);
  });

  it('reads a file of exactly the allowed size', () => {
    const line = `${'x'.repeat(63)}\n`;
    assert.equal(textOf(read(line.repeat(16 * 1024))).length, 1024 * 1024);
  });

  for (const { name, file, text, skipped } of [
    { name: 'code in one line', file: 'a.js', text: 'f();'.repeat(1000), skipped: /^minified: 4000 characters a line/ },
    {
      name: 'code in lines of 700',
      file: 'a.css',
      text: `${'a{b:c}'.repeat(120)}\n`.repeat(20),
      skipped: /^minified: 6\d\d/,
    },
    {
      name: 'a licence and one huge line',
      file: 'a.js',
      text: `${'// x\n'.repeat(60)}${'f();'.repeat(3000)}`,
      skipped: /^minified: one line of 12000|^minified: 2\d\d/,
    },
    { name: 'JSON in one line', file: 'a.json', text: '[1,2]'.repeat(1000), skipped: /^read as/ },
    { name: 'prose in long lines', file: 'a.md', text: 'word '.repeat(2000), skipped: /^read as/ },
    { name: 'a short file in one line', file: 'a.js', text: 'f();'.repeat(400), skipped: /^read as/ },
    {
      name: 'code with one long literal',
      file: 'a.ts',
      text: `${'const a = 1;\n'.repeat(500)}const b = '${'x'.repeat(6000)}';\n`,
      skipped: /^read as/,
    },
  ]) {
    it(`judges whether ${name} is minified`, () => assert.match(skipOf(read(text, file)), skipped));
  }

  it('says that a file is gone', () => {
    assert.equal(
      skipOf(readSource(path.join(scratchFolder(), 'no.ts'), { size: 1, mtimeMs: 1, inode: 1 }, limits)),
      'unreadable: it is gone',
    );
  });

  it('does not hang on a pipe nor follow a link that took the place of the file', () => {
    const folder = scratchFolder({ 'b.ts': 'x' });
    execFileSync('mkfifo', [path.join(folder, 'pipe.ts')]);
    fs.symlinkSync('b.ts', path.join(folder, 'link.ts'));
    const stamp = { size: 1, mtimeMs: 1, inode: 1 };
    assert.equal(
      skipOf(readSource(path.join(folder, 'pipe.ts'), stamp, limits)),
      'not_a_file: no longer a regular file',
    );
    assert.equal(skipOf(readSource(path.join(folder, 'link.ts'), stamp, limits)), 'not_a_file: a symbolic link by now');
  });

  it('gives no text of a file that changes again and again while it is read, or a whole one', async function () {
    this.timeout(20_000);
    const file = path.join(scratchFolder(), 'busy.txt');
    const line = `${'y'.repeat(99)}\n`;
    fs.writeFileSync(file, line.repeat(9_000));
    // Grows and shrinks by whole lines without pause until it is told to end.
    const script = `const fs = require('fs'); const f = fs.openSync(process.argv[1], 'r+'); process.stdout.write('go');
      for (let i = 0; ; i++) { fs.ftruncateSync(f, 100 * (8000 + (i % 1000))); }`;
    const writer = spawn(process.execPath, ['-e', script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    try {
      let refused = 0;
      for (let i = 0; i < 60; i++) {
        const source = readSource(file, { size: 0, mtimeMs: 0, inode: 0 }, limits);
        if (source.kind === 'skip') {
          assert.equal(skipOf(source), 'unreadable: changed while being read');
          refused++;
        } else assert.equal(source.text.length, source.stamp.size);
      }
      assert.ok(refused > 0, 'the file never changed while it was read: the test is blind');
    } finally {
      writer.kill('SIGKILL');
    }
  });

  it('reads a file only when its time stamp can no longer hide a change', () => {
    const folder = scratchFolder();
    const file = path.join(folder, 'a.ts');
    for (let i = 0; i < 10; i++) {
      fs.writeFileSync(file, 'one');
      const source = readSource(file, stampOf(fs.lstatSync(file)), limits);
      fs.writeFileSync(file, 'two');
      assert.notEqual(fs.lstatSync(file).mtimeMs, source.stamp.mtimeMs);
    }
  });
});
