import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEngine, type Engine } from '../../../server/engine/index.ts';

const count = 60;
const nameOf = (i: number): string => `src/part${i % 5}/step${i}.ts`;
const textOf = (i: number, word = 'harvest'): string =>
  `import { sow } from './sow';\n\n/** Step ${i}. */\nexport function ${word}${i}(crop: number): number {\n  return sow(crop) + ${i};\n}\n`;

describe('Files that move', function () {
  this.timeout(60_000);
  let root: string;
  let engine: Engine;
  const at = (file: string): string => path.join(root, file);
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    writeFileSync(at(file), text);
  };

  beforeEach(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-moves-'));
    for (let i = 0; i < count; i++) write(nameOf(i), textOf(i));
    engine = await openEngine({ root, parseWorkers: 2 });
    const { filesRead, filesParsed } = await engine.index();
    assert.deepEqual([filesRead, filesParsed], [count, count]);
  });
  afterEach(async () => {
    await engine.close();
    rmSync(root, { recursive: true });
  });

  /** Everything that is known of the files, in an index and in one that is made at once of the same folder. */
  async function assertLikeNew(): Promise<void> {
    const indexDir = mkdtempSync(path.join(tmpdir(), 'contextkit-anew-'));
    const anew = await openEngine({ root, indexDir, parseWorkers: 2 });
    try {
      await anew.index();
      assert.deepEqual(await engine.paths(), await anew.paths());
      for (const name of ['harvest3', 'harvest31', 'sow']) {
        const known = async (of: Engine) => ({
          ranks: (await of.rank(name, { limit: 5 })).map(({ path: file, startLine, endLine }) => [
            file,
            startLine,
            endLine,
          ]),
          symbols: (await of.symbols({ name })).map(({ path: file, line, signature }) => [file, line, signature]),
          graph: (await of.graph({ symbol: name })).definitions.map(({ symbol, callers }) => [
            symbol.path,
            callers.length,
          ]),
        });
        assert.deepEqual(await known(engine), await known(anew));
      }
      const whyOf = async (of: Engine) => {
        const { language, role, chunkedBy, chunks, symbols } = await of.why((await of.paths())[0]!);
        return { language, role, chunkedBy, chunks, symbols };
      };
      assert.deepEqual(await whyOf(engine), await whyOf(anew));
    } finally {
      await anew.close();
      rmSync(indexDir, { recursive: true });
    }
  }

  it('in a folder that is renamed are read and not parsed, and are then known as if they were', async () => {
    renameSync(at('src/part3'), at('src/third'));
    const { indexed, removed, filesRead, filesParsed } = await engine.update(['src/part3', 'src/third']);
    assert.deepEqual([indexed.length, removed.length, filesRead, filesParsed], [12, 12, 12, 0]);
    await assertLikeNew();
  });

  it('while nobody looked are not parsed by the next run', async () => {
    renameSync(at('src'), at('lib'));
    const { added, removed, filesRead, filesParsed } = await engine.index();
    assert.deepEqual([added, removed, filesRead, filesParsed], [count, count, count, 0]);
    await assertLikeNew();
  });

  it('and change on the way are parsed; copies are not', async () => {
    renameSync(at(nameOf(7)), at('src/seven.ts'));
    write('src/seven.ts', textOf(7, 'gather'));
    cpSync(at(nameOf(8)), at('src/eight.ts'));
    // Another text under the old name of a file that has moved.
    renameSync(at(nameOf(9)), at('src/nine.ts'));
    write(nameOf(9), textOf(9, 'reap'));
    const paths = [nameOf(7), 'src/seven.ts', 'src/eight.ts', nameOf(9), 'src/nine.ts'];
    const { indexed, removed, filesParsed } = await engine.update(paths);
    assert.deepEqual([indexed.sort(), removed], [paths.slice(1).sort(), [nameOf(7)]]);
    assert.equal(filesParsed, 2);
    assert.equal((await engine.symbols({ name: 'gather7' }))[0]!.path, 'src/seven.ts');
    assert.equal((await engine.symbols({ name: 'harvest9' }))[0]!.path, 'src/nine.ts');
    await assertLikeNew();
  });

  it('to another language or role are what their new name says', async () => {
    renameSync(at(nameOf(1)), at('src/one.py'));
    renameSync(at(nameOf(2)), at('src/two.test.ts'));
    const { filesParsed } = await engine.update([nameOf(1), 'src/one.py', nameOf(2), 'src/two.test.ts']);
    assert.equal(filesParsed, 1);
    assert.equal((await engine.why('src/one.py')).language, 'python');
    assert.equal((await engine.why('src/two.test.ts')).role, 'test');
    await assertLikeNew();
  });

  it('are parsed all the same when everything is to be read anew', async () => {
    renameSync(at('src'), at('lib'));
    const { filesParsed } = await engine.index({ force: true });
    assert.equal(filesParsed, count);
  });
});
