import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { analysisVersion } from '../../../core/records/analysisVersion.ts';
import { assetsDir } from '../../../server/engine/assets.ts';
import { createAttendedFiles, type AttendedFiles } from '../../../server/engine/attendedFiles.ts';
import { openEngine, type Engine } from '../../../server/engine/index.ts';
import type { ParsePool } from '../../../server/indexing/parsePool.ts';
import { openStore, type Store } from '../../../server/store/index.ts';
import { openParsePool } from './openParsePool.ts';

const method = (i: number): string =>
  `  /** Opens. */\n  int open${i}(int key) {\n    return this.all.get(key + ${i});\n  }\n\n`;
const source = (name: string): string =>
  `class ${name} {\n${Array.from({ length: 400 }, (_, i) => method(i)).join('')}}\n`;

describe('files before the user’s eyes', function () {
  this.timeout(60_000);
  let root: string;
  let store: Store;
  let pool: ParsePool;
  let attended: AttendedFiles;
  let indexing: boolean;
  const parsed: string[][] = [];

  const filesParsed = async (): Promise<string[]> => {
    await attended.settled();
    return parsed.splice(0).flat().sort();
  };

  before(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'contextkit-attended-'));
    const write = (file: string, text: string): void => writeFileSync(path.join(root, file), text);
    write('.gitignore', 'Secret.java\n');
    for (const name of ['Secret', 'Box', 'Lid', ...Array.from({ length: 9 }, (_, i) => `Part${i}`)])
      write(`${name}.java`, source(name));
    const indexDir = path.join(root, '.contextkit');
    const engine = await openEngine({ root });
    await engine.index();
    await engine.close();
    store = await openStore({ indexDir, access: 'auto', assetsDir, analysisVersion, log: () => undefined });
    pool = openParsePool(root);
    // The real one, which notes what it is asked.
    const noting: ParsePool = {
      ...pool,
      parse(files, options) {
        assert.deepEqual(options, { keepTrees: true });
        parsed.push(files.map((file) => file.path));
        return pool.parse(files, options);
      },
    };
    indexing = false;
    attended = createAttendedFiles({
      store,
      pool: () => noting,
      isIndexing: () => indexing,
      startMs: 20,
      log: (event, fields) => assert.fail(`${event} ${JSON.stringify(fields)}`),
    });
  });

  after(async () => {
    attended.close();
    await pool.close();
    await store.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('are parsed once, those of the index alone', async () => {
    attended.attend(['Box.java', 'Secret.java', 'Nowhere.java']);
    assert.deepEqual(await filesParsed(), ['Box.java']);
    attended.attend(['Box.java']);
    attended.attend(['Lid.java', 'Box.java']);
    assert.deepEqual(await filesParsed(), ['Lid.java']);
  });

  it('are parsed after an index run, not during it', async () => {
    indexing = true;
    attended.attend(['Part0.java']);
    assert.deepEqual(await filesParsed(), []);
    indexing = false;
    attended.indexed();
    await sleep(200);
    assert.deepEqual(await filesParsed(), ['Part0.java']);
  });

  it('are not parsed again for having been saved, but for having changed otherwise', async () => {
    /** Indexes the file by another stamp, as a save or a branch switch does. */
    const change = async (): Promise<void> => {
      const [known] = await store.knownPaths(['Box.java']);
      const { path: file, size, mtimeMs, inode } = known!.file!;
      await store.touch([{ path: file, size, mtimeMs: mtimeMs + 1, inode }]);
    };
    await change();
    attended.saved(['Box.java', 'Part8.java']);
    attended.attend(['Box.java']);
    assert.deepEqual(await filesParsed(), []);
    await change();
    attended.attend(['Box.java']);
    assert.deepEqual(await filesParsed(), ['Box.java']);
  });

  it('are forgotten when many others came after them', async () => {
    attended.attend(Array.from({ length: 9 }, (_, i) => `Part${i}.java`));
    assert.equal((await filesParsed()).length, 8);
    attended.attend(['Box.java']);
    assert.deepEqual(await filesParsed(), ['Box.java']);
  });

  it('are indexed when they are saved as they are from nothing', async () => {
    /** What a new index knows of the file, after some work with it. */
    async function known(indexDir: string, work: (engine: Engine) => Promise<void>): Promise<unknown> {
      const settings = { exclude: ['saved', 'anew'] };
      const engine = await openEngine({ root, indexDir: path.join(root, indexDir), settings });
      await engine.index();
      await work(engine);
      const { chunks, symbols } = await engine.why('Lid.java');
      await engine.close();
      return { chunks, symbols };
    }
    const saved = await known('saved', async (engine) => {
      engine.attend(['Lid.java']);
      for (const [before, after] of [
        ['open7(', 'unlock('],
        ['open300(int', 'shut(long'],
      ] as const) {
        writeFileSync(path.join(root, 'Lid.java'), source('Lid').replace(before, after));
        assert.deepEqual((await engine.update(['Lid.java'])).indexed, ['Lid.java']);
      }
    });
    assert.ok(JSON.stringify(saved).includes('shut(long'));
    assert.deepEqual(saved, await known('anew', () => Promise.resolve()));
  });
});
