import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAppError } from '../../../core/errors.ts';
import {
  embeddingCacheStatus,
  findModel,
  importModel,
  openEmbeddings,
  openEngine,
  pruneEmbeddingCache,
  type Embeddings,
  type Engine,
  type VectorStatus,
} from '../../../server/engine/index.ts';
import { writeSmallModel, type SmallModelOptions } from '../embedding/runnableModel.ts';
import { itWithRealModel, realModel } from '../embedding/testModel.ts';

const fileCount = 24;
const names = ['harvest', 'plough', 'thresh', 'winnow', 'mill', 'bake'];
const textOf = (i: number): string =>
  `export function ${names[i % names.length]!}${i}(field: string): string {\n  return sow(field, ${i});\n}\n`;

/** Small models, each with other vectors: texts are alike as far as they share words. */
describe('A change of the embedding model', function () {
  this.timeout(60_000);
  let scratch: string;
  let root: string;
  let cacheDir: string;
  let env: NodeJS.ProcessEnv;
  let embeddings: Embeddings;
  let engine: Engine;
  const events: string[] = [];

  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  /** A model of its own name and length. */
  const makeModel = (name: string, dimensions: number, options: SmallModelOptions = {}): string => {
    const dir = path.join(scratch, name);
    const config = { model_type: 'bert', max_position_embeddings: 512, hidden_size: dimensions };
    writeSmallModel(dir, { dimensions, config, ...options });
    return dir;
  };
  const fingerprintOf = async (dir: string): Promise<string> => {
    const found = await findModel({ directory: dir, cacheDir, env: {} });
    assert.equal(found.state, 'ready');
    return found.model.fingerprint;
  };
  /** Vectors that are kept of the model in this folder. */
  const keptOf = async (dir: string): Promise<number> => {
    const fingerprint = await fingerprintOf(dir);
    const { models } = await embeddingCacheStatus({ CONTEXTKIT_CACHE_DIR: cacheDir });
    return models.find((each) => each.fingerprint === fingerprint)?.vectors ?? 0;
  };
  const log = (event: string): void => void events.push(event);

  async function open(directory: string, options: { embedInBackground?: boolean; paused?: boolean } = {}) {
    env = { CONTEXTKIT_MODEL_DIR: directory };
    embeddings = openEmbeddings({ cacheDir, env, processes: 1, log });
    if (options.paused === true) embeddings.pause();
    engine = await openEngine({ root, embeddings, embedInBackground: options.embedInBackground ?? false, log });
  }
  async function close(): Promise<void> {
    await engine.close();
    await embeddings.close();
  }
  const reopen = async (...args: Parameters<typeof open>): Promise<void> => {
    await close();
    await open(...args);
  };
  const vectors = async (): Promise<VectorStatus> => (await engine.status()).vectors;
  const until = async (seen: (status: VectorStatus) => boolean): Promise<VectorStatus> => {
    for (;;) {
      const status = await vectors();
      if (seen(status)) return status;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  /** Asks, and says whether meaning took part. */
  const ask = async (query = 'thresh the field'): Promise<boolean> => {
    const { metadata, chunks } = await engine.select({ query, explain: true });
    assert.ok(chunks.length > 0);
    const meant = chunks.some(({ parts }) => parts!.some(({ name, value }) => name === 'meaning' && value > 0));
    assert.equal(meant, metadata.byMeaning);
    return metadata.byMeaning;
  };
  /** Embeds about so many chunks and stops there, as a process that ends in the middle does. */
  async function embedSome(atLeast: number): Promise<void> {
    const abort = new AbortController();
    const work = engine.embed({
      signal: abort.signal,
      onProgress: ({ embedded }) => {
        if (embedded >= atLeast) abort.abort();
      },
    });
    await assert.rejects(work);
  }

  beforeEach(async () => {
    events.length = 0;
    scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-change-'));
    [root, cacheDir] = [path.join(scratch, 'root'), path.join(scratch, 'cache')];
    for (let i = 0; i < fileCount; i++) write(`src/f${i}.ts`, textOf(i));
    await open(makeModel('old', 64));
    await engine.index();
    await engine.embed();
  });
  afterEach(async () => {
    await close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('leaves the answers to the one before, and nothing is embedded for them', async () => {
    const fresh = makeModel('new', 32);
    await reopen(fresh);
    assert.equal(await ask(), true);
    const status = await vectors();
    assert.deepEqual(
      [status.model, status.answering, status.embedded, status.chunks],
      ['new', 'old', 0, fileCount],
      JSON.stringify(status),
    );
    assert.ok(status.nextStep?.includes('index --embed'));
    assert.equal(await keptOf(fresh), 0);
    assert.equal(await keptOf(path.join(scratch, 'old')), fileCount);
  });

  it('ends when all is embedded; then the one before is no longer asked for', async () => {
    const fresh = makeModel('new', 32);
    await reopen(fresh);
    const seen = new Set<string>();
    const { state, answering, embedded } = await engine.embed({
      onProgress: (now) => seen.add(`${now.state} ${now.answering ?? '-'}`),
    });
    assert.deepEqual([state, answering, embedded], ['ready', null, fileCount]);
    assert.ok(seen.has('embedding old'), [...seen].join());
    assert.equal(await ask(), true);
    rmSync(path.join(scratch, 'old'), { recursive: true });
    await reopen(fresh);
    assert.equal(await ask(), true);
    assert.equal((await vectors()).answering, null);
    assert.ok(!events.includes('earlier model cannot answer'));
  });

  it('goes on where a process that ended in the middle has left it', async () => {
    const fresh = makeModel('new', 32, { work: 12 });
    // Files one by one, so that there is a middle.
    for (let i = fileCount; i < 120; i++) write(`src/f${i}.ts`, textOf(i));
    await engine.index();
    await engine.embed();
    await reopen(fresh);
    await embedSome(1);
    const done = await keptOf(fresh);
    assert.ok(done > 0 && done < 120, String(done));
    await reopen(fresh);
    const status = await vectors();
    assert.deepEqual([status.answering, status.embedded], ['old', done]);
    assert.equal(await ask(), true);
    assert.equal((await engine.embed()).embedded, 120);
    assert.equal(await keptOf(fresh), 120, 'nothing was computed twice');
    assert.equal((await vectors()).answering, null);
  });

  it('can be taken back in the middle: nothing is lost', async () => {
    const [old, fresh] = [path.join(scratch, 'old'), makeModel('new', 32)];
    await reopen(fresh, { embedInBackground: true, paused: true });
    await engine.index();
    await until(({ state, answering }) => state === 'paused' && answering === 'old');
    // In the same process, as when an editor's model is set anew.
    env['CONTEXTKIT_MODEL_DIR'] = old;
    await embeddings.refresh();
    const status = await until(({ state }) => state === 'ready');
    assert.deepEqual([status.model, status.answering, status.embedded], ['old', null, fileCount]);
    assert.equal(await ask(), true);
    assert.equal(await keptOf(old), fileCount, 'nothing was computed again');
  });

  it('can be followed by another one in the middle: the first one answers until the last one is there', async () => {
    const [second, third] = [makeModel('second', 32), makeModel('third', 128)];
    await reopen(second, { embedInBackground: true, paused: true });
    await engine.index();
    await until(({ state }) => state === 'paused');
    env['CONTEXTKIT_MODEL_DIR'] = third;
    await embeddings.refresh();
    const between = await until(({ model, state }) => model === 'third' && state === 'paused');
    assert.equal(between.answering, 'old');
    assert.equal(await ask(), true);
    embeddings.resume();
    const status = await until(({ state }) => state === 'ready');
    assert.deepEqual([status.model, status.answering, status.embedded], ['third', null, fileCount]);
    assert.equal(await ask(), true);
    assert.equal(await keptOf(third), fileCount);
  });

  it('in an editor goes on behind the answers, and no question is left to words meanwhile', async () => {
    const fresh = makeModel('new', 32, { work: 6 });
    await reopen(fresh, { embedInBackground: true });
    await engine.index();
    let asked = 0;
    const answered = new Set<string | null>();
    for (let done = false; !done; asked++) {
      const { state, answering } = await vectors();
      assert.notEqual(state, 'failed');
      answered.add(answering);
      // Several at once: some begin before the change and end after it.
      const all = await Promise.all([0, 1, 2].map((i) => ask(`${names[(asked + i) % names.length]!} number ${asked}`)));
      assert.deepEqual(all, [true, true, true]);
      done = state === 'ready';
    }
    assert.deepEqual([...answered], ['old', null]);
    assert.ok(events.includes('model changed'));
  });

  it('is made by a question where everything is in the cache already', async () => {
    const fresh = makeModel('new', 32);
    await reopen(fresh);
    await engine.embed();
    // Another clone of the same files, which knows of the model before.
    await reopen(path.join(scratch, 'old'));
    await engine.embed();
    await reopen(fresh);
    assert.equal((await vectors()).answering, 'old');
    assert.equal(await ask(), true);
    const { answering, embedded } = await vectors();
    assert.deepEqual([answering, embedded], [null, fileCount]);
  });

  it('leaves the answers to words and to what there is, where the files of the one before are gone', async () => {
    const fresh = makeModel('new', 32);
    await close();
    renameSync(path.join(scratch, 'old'), path.join(scratch, 'unmounted'));
    await open(fresh);
    assert.equal(await ask(), true);
    const status = await vectors();
    assert.equal(status.answering, null);
    assert.ok(status.embedded > 0, 'the candidates of the question');
    assert.ok(events.includes('earlier model cannot answer'));
    // Back again before the change is through: it answers again.
    renameSync(path.join(scratch, 'unmounted'), path.join(scratch, 'old'));
    await reopen(fresh);
    assert.equal((await vectors()).answering, 'old');
  });

  it('leaves the answers to words and to what there is, once the one before cannot be loaded any more', async () => {
    const fresh = makeModel('new', 32);
    await reopen(fresh);
    assert.equal((await vectors()).answering, 'old');
    rmSync(path.join(scratch, 'old'), { recursive: true });
    // Its process finds nothing to load: this question is answered by words, the next one by the new model.
    const { metadata } = await engine.select({ query: 'winnow the field' });
    assert.ok(metadata.filesIncluded > 0);
    assert.equal(await ask(), true);
    assert.equal((await vectors()).answering, null);
  });

  it('does not take another model for the one before that lies in its place now', async () => {
    await close();
    makeModel('old', 64, { rows: 500 });
    await open(makeModel('new', 32));
    await ask();
    assert.equal((await vectors()).answering, null);
  });

  it('to a model that is not there says so, and the one before goes on', async () => {
    await close();
    const settings = { model: { id: 'new', repository: 'owner/new' }, cacheDir, env: {} };
    embeddings = openEmbeddings({ ...settings, processes: 1, log });
    engine = await openEngine({ root, embeddings, embedInBackground: true, log });
    await engine.index();
    const status = await until(({ state }) => state === 'no_model');
    assert.deepEqual([status.model, status.answering, status.embedded], ['new', 'old', fileCount]);
    assert.ok(status.reason !== null && status.nextStep !== null);
    assert.equal(await ask(), true);
    await importModel(makeModel('new', 32), settings);
    await embeddings.refresh();
    const after = await until(({ state }) => state === 'ready');
    assert.deepEqual([after.model, after.answering, after.embedded], ['new', null, fileCount]);
  });

  it('to a model that cannot be loaded says why, and the one before goes on', async () => {
    // It looks like a model and fails on the first text.
    const broken = makeModel('broken', 32, { rows: 1000, wrap: false });
    await reopen(broken, { embedInBackground: true });
    await engine.index();
    const status = await until(({ state }) => state === 'failed');
    assert.equal(status.answering, 'old');
    assert.match(status.reason!, /fails on a first text/);
    assert.ok(status.nextStep?.includes('try again'));
    assert.equal(await ask(), true);
    await assert.rejects(engine.embed(), (error) => isAppError(error));
    assert.equal(await ask('mill the field'), true);
    // Mended.
    rmSync(broken, { recursive: true });
    makeModel('broken', 32);
    await embeddings.refresh();
    assert.equal((await until(({ state }) => state === 'ready')).answering, null);
  });

  it('to a model that gives no vector for any text is not made', async () => {
    const mute = makeModel('mute', 32, { nanWord: 'field' });
    await reopen(mute);
    await assert.rejects(engine.embed(), (error) => isAppError(error) && error.code === 'worker_failed');
    const status = await vectors();
    assert.deepEqual([status.state, status.answering, status.failed], ['failed', 'old', fileCount]);
    assert.match(status.reason!, /no vector for any of 24 texts/);
    assert.equal(await ask(), true);
  });

  it('is not held up by a text that the new model cannot embed', async () => {
    const picky = makeModel('picky', 32, { nanWord: 'mill' });
    await reopen(picky);
    const { state, failed, answering } = await engine.embed();
    assert.equal(state, 'ready');
    assert.ok(failed > 0 && failed < fileCount, String(failed));
    assert.equal(answering, null);
  });

  it('embeds files that are edited meanwhile by the new model; the old one only what a question needs', async () => {
    const [old, fresh] = [path.join(scratch, 'old'), makeModel('new', 32)];
    await reopen(fresh);
    await engine.index();
    write('src/f3.ts', textOf(3).replace('sow', 'scatter'));
    write('src/f9.ts', textOf(9).replace('sow', 'strew'));
    await engine.update(['src/f3.ts', 'src/f9.ts']);
    await vectors();
    assert.equal(await keptOf(old), fileCount, 'nothing is embedded before it is needed');
    assert.equal(await ask('scatter'), true);
    const byQuestion = (await keptOf(old)) - fileCount;
    assert.ok(byQuestion >= 1 && byQuestion <= 2, String(byQuestion));
    assert.equal((await engine.embed()).embedded, fileCount);
    assert.equal(await keptOf(fresh), fileCount);
    assert.equal((await keptOf(old)) - fileCount, byQuestion);
  });

  it('leaves no chunk without a vector of the new model, and none of what a file was, when files are edited all the while', async () => {
    const fresh = makeModel('new', 32, { work: 6 });
    await reopen(fresh, { embedInBackground: true });
    await engine.index();
    const verbs = ['scatter', 'strew', 'drill', 'dibble'];
    let [edits, editsBefore] = [0, 0];
    for (;;) {
      const { state, answering } = await vectors();
      assert.notEqual(state, 'failed');
      if (state === 'ready' && answering === null && edits >= 2 * verbs.length) break;
      if (answering === 'old') editsBefore++;
      const file = `src/f${edits % fileCount}.ts`;
      const text = textOf(edits % fileCount).replace('sow', verbs[edits % verbs.length]!);
      // Whole files come, change and go.
      if (edits % 5 === 4) rmSync(path.join(root, file));
      else write(file, text);
      edits++;
      await engine.update([file]);
    }
    assert.ok(editsBefore > 0 && events.includes('model changed'), String(editsBefore));
    const paths = await engine.paths();
    // The last edit is embedded behind us.
    const { chunks } = await until(({ state, ...counts }) => state === 'ready' && counts.embedded === counts.chunks);
    assert.equal(chunks, paths.length);
    // Each is found by meaning as well, and nothing that is gone.
    for (const file of paths) {
      const text = readFileSync(path.join(root, file), 'utf8');
      const { chunks: found } = await engine.select({ query: text, explain: true, budget: 16_000 });
      const own = found.find(({ path: each }) => each === file);
      assert.ok(
        own!.parts!.some(({ name, value }) => name === 'meaning' && value > 0),
        file,
      );
      for (const { path: each } of found) assert.ok(paths.includes(each), each);
    }
    // What another process finds in the cache is the same: nothing is left to be computed.
    const kept = await keptOf(fresh);
    await close();
    rmSync(path.join(root, '.contextkit'), { recursive: true });
    await open(fresh);
    await engine.index();
    assert.equal((await vectors()).embedded, paths.length);
    assert.equal(await keptOf(fresh), kept);
  });

  it('ends early where the one before had embedded little', async () => {
    for (let i = fileCount; i < 200; i++) write(`src/late${i}.ts`, textOf(i));
    await engine.index();
    const fresh = makeModel('new', 32, { work: 6 });
    await reopen(fresh);
    const before = await vectors();
    assert.deepEqual([before.answering, before.chunks], ['old', 200]);
    let changedAt = Infinity;
    await engine.embed({
      onProgress({ answering, embedded }) {
        if (answering === null) changedAt = Math.min(changedAt, embedded);
      },
    });
    assert.ok(changedAt < 200, `changed at ${changedAt}`);
  });

  it('is seen by a process that only reads, before and after', async () => {
    const fresh = makeModel('new', 32);
    await reopen(fresh);
    await engine.index();
    const others = openEmbeddings({ cacheDir, env: { CONTEXTKIT_MODEL_DIR: fresh }, processes: 1 });
    const reader = await openEngine({ root, embeddings: others, access: 'read' });
    const readers = async () => {
      const { metadata } = await reader.select({ query: 'bake the field' });
      const { answering, embedded } = (await reader.status()).vectors;
      return { byMeaning: metadata.byMeaning, answering, embedded };
    };
    try {
      assert.deepEqual(await readers(), { byMeaning: true, answering: 'old', embedded: 0 });
      await engine.embed();
      // What the writer publishes makes the reader look again.
      write('src/more.ts', 'export const sickle = 1;\n');
      await engine.update(['src/more.ts']);
      await engine.embed();
      for (let tries = 0; ; tries++) {
        const now = await readers();
        assert.equal(now.byMeaning, true);
        if (now.answering === null) break;
        assert.ok(tries < 200, 'the reader never follows');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      await reader.close();
      await others.close();
    }
  });

  it('forgets the one before when its vectors are gone from the cache', async () => {
    await close();
    await pruneEmbeddingCache({ CONTEXTKIT_CACHE_DIR: cacheDir }, { all: true });
    await open(makeModel('new', 32));
    assert.equal(await ask(), true);
    const { answering, embedded } = await vectors();
    assert.equal(answering, null);
    assert.ok(embedded > 0);
  });

  itWithRealModel('works with a real model, which has other dimensions', async () => {
    await reopen(realModel(), { embedInBackground: true });
    await engine.index();
    // The vectors that are kept are there then.
    await vectors();
    assert.equal(await ask('grind grain into flour'), true);
    const status = await until(({ state }) => state === 'ready');
    assert.deepEqual([status.answering, status.embedded], [null, fileCount]);
    const { chunks } = await engine.select({ query: 'grind grain into flour' });
    assert.match(chunks[0]!.content, /mill|thresh|bake/);
  });
});
