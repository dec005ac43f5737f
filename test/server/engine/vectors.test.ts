import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAppError } from '../../../core/errors.ts';
import {
  embeddingCacheStatus,
  openEmbeddings,
  openEngine,
  type Embeddings,
  type Engine,
  type EngineSettings,
  type VectorStatus,
} from '../../../server/engine/index.ts';
import { weightsVersion } from '../../../server/engine/rankingWeights.ts';
import { writeSmallModel } from '../embedding/runnableModel.ts';

const sources: Record<string, string> = {
  'src/cookie.ts': 'export function seal(jar: string): string {\n  return sign(jar, secret);\n}\n',
  'src/route.ts': 'export function dispatch(url: string): void {\n  walk(tree, url);\n}\n',
  'src/clock.ts': 'export function tick(now: number): number {\n  return now + 1;\n}\n',
  'test/clock.test.ts': "it('ticks', () => equal(tick(1), 2));\n",
};

/** Texts are alike for the small model as far as they share words: it takes the place of one that knows meanings. */
describe('Vectors of an index', function () {
  this.timeout(60_000);
  let scratch: string;
  let root: string;
  let cacheDir: string;
  let modelDir: string;
  let embeddings: Embeddings;
  let engine: Engine;
  const events: string[] = [];

  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const keptVectors = async (): Promise<number> =>
    (await embeddingCacheStatus({ CONTEXTKIT_CACHE_DIR: cacheDir })).models.reduce(
      (sum, { vectors }) => sum + vectors,
      0,
    );
  const open = (directory: string = modelDir, cpuPercent = 100): Embeddings =>
    openEmbeddings({ directory, cacheDir, env: {}, processes: 1, cpuPercent, log: (event) => void events.push(event) });
  const until = async (seen: (status: VectorStatus) => boolean): Promise<VectorStatus> => {
    for (;;) {
      const { vectors } = await engine.status();
      if (seen(vectors)) return vectors;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeEach(async () => {
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-vectors-'));
    [root, cacheDir, modelDir] = ['root', 'cache', 'model'].map((name) => path.join(scratch, name)) as [
      string,
      string,
      string,
    ];
    writeSmallModel(modelDir, {
      dimensions: 64,
      config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 64 },
    });
    for (const [file, text] of Object.entries(sources)) write(file, text);
    embeddings = open();
    engine = await openEngine({ root, embeddings });
    await engine.index();
  });
  afterEach(async () => {
    await engine.close();
    await embeddings.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  interface Reopening {
    directory?: string;
    embedInBackground?: boolean;
    cpuPercent?: number;
  }
  const reopen = async (options: Reopening = {}): Promise<void> => {
    await engine.close();
    await embeddings.close();
    embeddings = open(options.directory ?? modelDir, options.cpuPercent);
    engine = await openEngine({ root, embeddings, embedInBackground: options.embedInBackground ?? false });
  };

  it('are made for every chunk, and a question uses them', async () => {
    const states: string[] = [];
    const status = await engine.embed({ onProgress: ({ state }) => states.push(state) });
    assert.equal(status.state, 'ready');
    assert.deepEqual([status.embedded, status.chunks, status.failed], [4, 4, 0]);
    assert.deepEqual([...new Set(states)], ['embedding', 'ready']);
    const { chunks, metadata } = await engine.select({ query: 'how does it walk the tree', explain: true });
    assert.equal(metadata.byMeaning, true);
    assert.equal(chunks[0]!.path, 'src/route.ts');
    assert.ok(chunks[0]!.parts!.some(({ name, value }) => name === 'meaning' && value > 0));
    const words = await engine.select({ query: 'how does it walk the tree', byMeaning: false });
    assert.equal(words.metadata.byMeaning, false);
  });

  it('are made of the best candidates for a question, before anything is embedded', async () => {
    const { metadata } = await engine.select({ query: 'seal a jar' });
    assert.equal(metadata.byMeaning, true);
    const { embedded, chunks } = (await engine.status()).vectors;
    assert.ok(embedded > 0 && embedded < chunks, `${embedded} of ${chunks}`);
  });

  it('are taken from the cache by a new index, after a rename and in another folder', async () => {
    await engine.embed();
    assert.equal(await keptVectors(), 4);
    renameSync(path.join(root, 'src/cookie.ts'), path.join(root, 'src/jar.ts'));
    await engine.update(['src/cookie.ts', 'src/jar.ts']);
    assert.deepEqual(await until(({ embedded }) => embedded === 4).then(({ chunks }) => chunks), 4);
    await reopen();
    rmSync(path.join(root, '.contextkit'), { recursive: true });
    await reopen();
    await engine.index();
    assert.equal((await engine.status()).vectors.embedded, 4);
    assert.equal(await keptVectors(), 4, 'nothing was computed again');
  });

  it('of equal texts are made once, and each chunk has its own', async () => {
    write('src/copy.ts', sources['src/clock.ts']!);
    await engine.update(['src/copy.ts']);
    const { embedded, chunks } = await engine.embed();
    assert.deepEqual([embedded, chunks, await keptVectors()], [5, 5, 4]);
  });

  it('follow a saved file, and only what changed is computed', async () => {
    await reopen({ embedInBackground: true });
    await engine.index();
    await until(({ state }) => state === 'ready');
    write('src/clock.ts', sources['src/clock.ts']!.replace('now + 1', 'now + step'));
    await engine.update(['src/clock.ts']);
    await until(({ state, embedded }) => state === 'ready' && embedded === 4);
    assert.equal(await keptVectors(), 5);
    rmSync(path.join(root, 'src/clock.ts'));
    await engine.update(['src/clock.ts']);
    await until(({ chunks, embedded }) => chunks === 3 && embedded === 3);
  });

  it('are looked up for the questions of an editor, where nobody else has asked for them', async () => {
    await engine.embed();
    await reopen({ embedInBackground: true });
    // Words answer the first ones, where looking up takes longer.
    for (let byMeaning = false; !byMeaning;) {
      const { chunks, metadata } = await engine.select({ query: 'seal a jar' });
      assert.equal(chunks[0]!.path, 'src/cookie.ts');
      byMeaning = metadata.byMeaning;
    }
    assert.equal((await engine.status()).vectors.embedded, 4);
  });

  describe('of a file that was saved a moment ago, in an editor', () => {
    const few = 40;
    const pathOf = (i: number): string => `src/part${i}.ts`;
    const textOf = (i: number, verb: string): string =>
      `export function part${i}(wheel: string): string {\n  return ${verb}(wheel, ${i});\n}\n`;

    beforeEach(async () => {
      for (let i = 0; i < few; i++) write(pathOf(i), textOf(i, 'turn'));
      await engine.index();
      await engine.embed();
      // So small a share of the processors that nothing is embedded in the background for a long while.
      await reopen({ embedInBackground: true, cpuPercent: 1 });
      await engine.index();
      await until(({ state, embedded, chunks }) => state === 'ready' && embedded === chunks);
    });
    const save = async (count: number): Promise<void> => {
      const paths = Array.from({ length: count }, (_, i) => pathOf(i));
      for (const [i, each] of paths.entries()) write(each, textOf(i, 'whirligig'));
      await engine.update(paths);
      await until(({ embedded, chunks }) => chunks - embedded === count);
    };
    const lacking = async (): Promise<number> => {
      const { embedded, chunks } = (await engine.status()).vectors;
      return chunks - embedded;
    };

    it('hold no answer up: words find it', async () => {
      await save(1);
      const { chunks, metadata } = await engine.select({ query: 'whirligig' });
      assert.equal(chunks[0]!.path, pathOf(0));
      assert.equal(metadata.byMeaning, true);
      assert.equal(await lacking(), 1, 'the question has not embedded it');
    });

    it('are made for the question where many files were, or where nothing is embedded behind it', async () => {
      await save(4);
      await engine.select({ query: 'whirligig' });
      assert.equal(await lacking(), 0);
      embeddings.pause();
      write(pathOf(5), textOf(5, 'gyrate'));
      await engine.update([pathOf(5)]);
      await until(({ embedded, chunks }) => chunks - embedded === 1);
      await engine.select({ query: 'gyrate' });
      assert.equal(await lacking(), 0);
    });
  });

  it('are seen by a second process that only reads', async () => {
    await engine.embed();
    const others = open();
    const reader = await openEngine({ root, embeddings: others, access: 'read' });
    try {
      assert.equal((await reader.status()).vectors.embedded, 4);
      assert.equal((await reader.select({ query: 'dispatch an url' })).metadata.byMeaning, true);
    } finally {
      await reader.close();
      await others.close();
    }
  });

  it('wait while embedding is paused, and a question does not', async () => {
    embeddings.pause();
    await reopen();
    embeddings.pause();
    const work = engine.embed();
    await until(({ state }) => state === 'paused');
    assert.equal((await engine.select({ query: 'seal a jar' })).metadata.byMeaning, true);
    embeddings.resume();
    assert.equal((await work).state, 'ready');
  });

  it('can be stopped; what is done is kept', async () => {
    const abort = new AbortController();
    const work = engine.embed({ signal: abort.signal });
    abort.abort();
    await assert.rejects(work, (error) => (error as Error).name === 'AbortError' || isAppError(error));
    assert.equal((await engine.embed()).embedded, 4);
  });

  it('of two models are never mixed', async () => {
    await engine.embed();
    const other = path.join(scratch, 'other');
    writeSmallModel(other, {
      dimensions: 32,
      config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 32 },
    });
    await reopen({ directory: other });
    assert.equal((await engine.status()).vectors.embedded, 0);
    assert.equal((await engine.embed()).embedded, 4);
    assert.equal(await keptVectors(), 8);
    await reopen();
    assert.equal((await engine.status()).vectors.embedded, 4);
  });

  it('bring the weights with them that were tuned for their model, and no others', async () => {
    write('docs/guide.md', '# Guide\n\nHow to walk along the paths of a tree.\n');
    await engine.index();
    const { model } = (await embeddings.parts())!;
    const tuned = {
      words: { ...weightsVersion, weights: { docsPrior: 2 } },
      [model.fingerprint]: { ...weightsVersion, weights: { docsPrior: 0 } },
    };
    const best = async (with_: Embeddings | undefined, ranking: EngineSettings['ranking']) => {
      const options = with_ === undefined ? {} : { embeddings: with_ };
      const asked = await openEngine({ root, access: 'read', settings: { ranking }, ...options });
      try {
        const [first] = await asked.rank('walk the tree');
        const { metadata, chunks } = await asked.select({ query: 'walk the tree' });
        assert.equal(metadata.byMeaning, with_ !== undefined);
        assert.equal(chunks[0]!.path, first!.path);
        return [first!.path, (await asked.status()).weights.inForce];
      } finally {
        await asked.close();
      }
    };
    assert.deepEqual(await best(undefined, { tuned }), ['docs/guide.md', 'tuned']);
    assert.deepEqual(await best(embeddings, { tuned }), ['src/route.ts', 'tuned']);
    const ofModel = { tuned: { [model.fingerprint]: tuned[model.fingerprint]! } };
    assert.deepEqual(await best(undefined, ofModel), await best(undefined, {}));
    const older = { tuned: { words: { ...tuned.words, index: weightsVersion.index - 1 } } };
    assert.deepEqual(await best(undefined, older), ['src/route.ts', 'default']);
  });

  it('are left out where there is no model: words answer, the status says why', async () => {
    await reopen({ directory: path.join(scratch, 'nowhere') });
    const { metadata } = await engine.select({ query: 'seal a jar' });
    assert.equal(metadata.byMeaning, false);
    assert.ok(metadata.filesIncluded > 0);
    const { state, reason, nextStep } = (await engine.status()).vectors;
    assert.equal(state, 'no_model');
    assert.ok(reason !== null && nextStep !== null);
    await assert.rejects(engine.embed(), (error) => isAppError(error) && error.code === 'model_missing');
  });

  it('come when the model does', async () => {
    const later = path.join(scratch, 'later');
    await reopen({ directory: later, embedInBackground: true });
    assert.equal((await engine.status()).vectors.state, 'no_model');
    renameSync(modelDir, later);
    await embeddings.refresh();
    const { embedded } = await until(({ state }) => state === 'ready');
    assert.equal(embedded, 4);
  });

  it('of texts that cannot be embedded are counted, and the rest is done', async () => {
    await reopen({ directory: path.join(scratch, 'nowhere') });
    const faulty = path.join(scratch, 'faulty');
    const config = { model_type: 'bert', max_position_embeddings: 512, hidden_size: 64 };
    writeSmallModel(faulty, { dimensions: 64, config, nanWord: 'tick' });
    await reopen({ directory: faulty });
    const { state, embedded, failed } = await engine.embed();
    assert.equal(state, 'ready');
    assert.ok(failed >= 1 && embedded + failed === 4, `${embedded} and ${failed}`);
    assert.equal((await engine.select({ query: 'tick the clock' })).chunks[0]!.path, 'src/clock.ts');
  });

  it('are made anew when the cache is gone', async () => {
    await engine.embed();
    rmSync(cacheDir, { recursive: true });
    await reopen();
    assert.equal((await engine.status()).vectors.embedded, 0);
    assert.equal((await engine.embed()).embedded, 4);
  });
});
