import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmbedPool, type EmbedPoolOptions } from '../../../server/embedding/embedPool.ts';
import { type Embedded, type Embedder, embedPriority, type ReadyModel } from '../../../server/embedding/types.ts';
import { assetsDir, readyModel, type SmallModelOptions, writeSmallModel } from './runnableModel.ts';

interface Logged {
  event: string;
  fields: Record<string, unknown>;
}

const text = { kind: 'text', priority: embedPriority.background } as const;
const query = { kind: 'query', priority: embedPriority.query } as const;

function vectorOf(embedded: Embedded | undefined): Float32Array {
  assert.ok(embedded !== undefined && 'vector' in embedded, JSON.stringify(embedded));
  return embedded.vector;
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // no such process
  }
};

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 8_000) assert.fail(`never came: ${what}`);
    await sleep(5);
  }
}

describe('Embedding processes', function () {
  this.timeout(20_000);
  let dir: string;
  let pools: Embedder[];
  let logged: Logged[];

  const pids = (): number[] =>
    logged.filter(({ event }) => event === 'embedding process started').map(({ fields }) => fields['pid'] as number);
  const count = (event: string): number => logged.filter((one) => one.event === event).length;

  function open(model: ReadyModel, options: Partial<EmbedPoolOptions> = {}): Embedder {
    const log = (event: string, fields: Record<string, unknown>): void => void logged.push({ event, fields });
    const pool = createEmbedPool({ model, assetsDir, processes: 1, log, backOffMs: 20, ...options });
    pools.push(pool);
    return pool;
  }
  const small = (options: SmallModelOptions = {}): ReadyModel => writeSmallModel(dir, options);
  /** A run of a long text takes some 100 ms. */
  const slow = (): ReadyModel => small({ work: 12 });
  const longText = (word: string): string => `${word} `.repeat(500);

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'contextkit-embed-'));
    pools = [];
    logged = [];
  });
  afterEach(async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    rmSync(dir, { recursive: true });
    for (const pid of pids()) assert.ok(!isRunning(pid), `process ${pid} is left over`);
  });

  it('give unit vectors in the order of the texts, alike as far as the texts are', async () => {
    const pool = open(small());
    const told: number[] = [];
    const texts = ['read a file', 'open the window', 'read the file', '', 'word '.repeat(700)];
    const results = await pool.embed(texts, { ...text, onEmbedded: (index) => told.push(index) });
    assert.deepEqual(told.sort(), [0, 1, 2, 3, 4]);
    for (const result of results) {
      const vector = vectorOf(result);
      assert.equal(vector.length, 16);
      assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
    }
    const [a, b, c] = results.map(vectorOf);
    assert.ok(dot(a!, c!) > dot(a!, b!));
    assert.deepEqual(
      results.map((result) => 'tokens' in result && [result.tokens, result.truncated]),
      [
        [5, false],
        [5, false],
        [5, false],
        [2, false],
        [512, true],
      ],
    );
  });

  it('give a text the same vector alone and among others', async () => {
    const pool = open(small());
    const texts = Array.from({ length: 20 }, (_, i) => `number ${'one two '.repeat(i % 7)} ${i}`);
    const together = (await pool.embed(texts, text)).map(vectorOf);
    for (const [i, each] of texts.entries()) {
      const [alone] = await pool.embed([each], text);
      assert.deepEqual(vectorOf(alone), together[i]);
    }
  });

  it('put the prefixes of the model before questions and texts', async () => {
    const model = small();
    Object.assign(model.spec, { queryPrefix: 'query: ', textPrefix: 'passage: ' });
    const pool = open(model);
    const [[asked], [kept]] = await Promise.all([pool.embed(['tide'], query), pool.embed(['tide'], text)]);
    const plain = open(small());
    const [expectedQuery, expectedText] = await plain.embed(['query: tide', 'passage: tide'], text);
    assert.deepEqual(asked, expectedQuery);
    assert.deepEqual(kept, expectedText);
  });

  it('start when there is work, end when there is none for a while, and start again', async () => {
    const pool = open(small(), { idleMs: 100 });
    assert.equal(pids().length, 0);
    await pool.embed(['a'], text);
    const [first] = pids();
    assert.ok(isRunning(first!));
    await until(() => !isRunning(first!), 'the end of an idle process');
    assert.equal(count('embedding process died'), 0);
    vectorOf((await pool.embed(['b'], text))[0]);
    assert.equal(pids().length, 2);
  });

  it('are as many as allowed when there is much to do', async () => {
    const pool = open(slow(), { processes: 2 });
    await pool.embed(['a', 'b', 'c', 'd'].map(longText), text);
    assert.equal(pids().length, 2);
  });

  it('let a question go before all that waits', async () => {
    const pool = open(slow());
    const order: string[] = [];
    const background = pool.embed(['a', 'b', 'c', 'd', 'e'].map(longText), {
      ...text,
      onEmbedded: (index) => order.push(`text ${index}`),
    });
    await until(() => order.length === 1, 'the first text');
    const answer = pool.embed([longText('candidate')], {
      kind: 'text',
      priority: embedPriority.answer,
      onEmbedded: () => order.push('answer'),
    });
    await pool.embed(['where'], { ...query, onEmbedded: () => order.push('query') });
    await Promise.all([background, answer]);
    // One text was running when they came.
    assert.deepEqual(order, ['text 0', 'text 1', 'query', 'answer', 'text 2', 'text 3', 'text 4']);
  });

  it('hold back the background while paused, not questions', async () => {
    const pool = open(small());
    pool.pause();
    let done = false;
    const background = pool.embed(['a'], text).then(() => (done = true));
    vectorOf((await pool.embed(['where'], query))[0]);
    await sleep(100);
    assert.equal(done, false);
    pool.resume();
    await background;
  });

  it('stay within their share of the processors, by the count of the system, and a question does not wait', async () => {
    if (process.platform !== 'linux') return; // no /proc
    const pool = open(small({ work: 3 }), { cores: 0.25, processes: 2 });
    const abort = new AbortController();
    const background = assert.rejects(
      pool.embed(
        Array.from({ length: 2_000 }, (_, i) => longText(`word${i}`)),
        { ...text, signal: abort.signal },
      ),
      { code: 'cancelled' },
    );
    await until(() => pids().length === 1, 'a process');
    const [started, before] = [performance.now(), cpuMsOf(pids()[0]!)];
    await sleep(4_000);
    const used = cpuMsOf(pids()[0]!) - before;
    // The longest piece may begin at the end.
    assert.ok(used <= 0.25 * (performance.now() - started) + 250, `${used} ms of 4 s`);
    assert.ok(used >= 100, `${used} ms of 4 s`);
    assert.equal(pids().length, 1, 'a quarter of a core needs one process');
    // More than is due until the next background text.
    for (let i = 0; i < 10; i++) vectorOf((await pool.embed([longText(`where${i}`)], query))[0]);
    pool.setCores(Infinity);
    abort.abort();
    await background;
  });

  it('that are above their memory from the start are not started for ever, and the error says why', async () => {
    const pool = open(small(), { memory: { ceilingBytes: 1 } });
    const run = pool.embed(['a', 'b', 'c'].map(longText), text);
    await assert.rejects(run, {
      code: 'worker_failed',
      message: /needs more memory than it may take: an embedding process was started anew, since it took \d+ MB/,
    });
    assert.equal(count('embedding process above its memory'), 2);
    assert.equal(count('embedding process died'), 0);
    await assert.rejects(pool.embed(['d'], text), { code: 'worker_failed' });
  });

  it('that grow are started anew, and nothing is lost', async () => {
    const pool = open(small(), { assetsDir: growingAssets(), memory: { ceilingBytes: 400 * 2 ** 20 } });
    const texts = Array.from({ length: 24 }, (_, i) => `text number ${i}`);
    for (const each of texts) vectorOf((await pool.embed([each], text))[0]);
    assert.ok(count('embedding process above its memory') >= 1, 'none was ended');
    assert.equal(pids().length, count('embedding process above its memory') + 1);
    assert.match(pool.note!, /where 400 MB are allowed/);
  });

  it('are no more than fit into the free memory; with none free the background waits, a question does not', async () => {
    let free = Infinity;
    const short: boolean[] = [];
    const pool = open(slow(), {
      processes: 2,
      memory: { ceilingBytes: Infinity, freeBytes: () => Promise.resolve(free) },
      onMemory: (isShort) => short.push(isShort),
      idleMs: 50,
    });
    free = 2 ** 20;
    const background = pool.embed([longText('a')], text);
    await until(() => short.length === 1, 'the pause');
    assert.deepEqual([short, pids().length], [[true], 0]);
    vectorOf((await pool.embed(['where'], query))[0]);
    assert.equal(pids().length, 1);
    free = Infinity;
    // What is there for the question takes it on, or it is looked again after a while.
    vectorOf((await background)[0]);
    assert.deepEqual(short, [true, false]);
  });

  it('finish what runs and leave the rest when stopped by a signal', async () => {
    const pool = open(slow());
    const abort = new AbortController();
    const embedded: number[] = [];
    const run = pool.embed(['a', 'b', 'c', 'd'].map(longText), {
      ...text,
      signal: abort.signal,
      onEmbedded: (index) => {
        embedded.push(index);
        if (index === 0) setTimeout(() => abort.abort(), 20);
      },
    });
    await assert.rejects(run, { code: 'cancelled' });
    assert.deepEqual(embedded, [0, 1]);
    await assert.rejects(pool.embed(['x'], { ...text, signal: abort.signal }), { code: 'cancelled' });
    vectorOf((await pool.embed(['the pool lives on'], text))[0]);
    assert.equal(pids().length, 1);
  });

  it('finish their run when closed, and are gone then', async () => {
    const pool = open(slow());
    const results: (Embedded | string)[] = [];
    const run = pool.embed(['a', 'b', 'c'].map(longText), { ...text, onEmbedded: (_, one) => results.push(one) });
    const failed = run.catch((error: unknown) => (error as { code: string }).code);
    await until(() => results.length === 1, 'the first text');
    await sleep(20);
    const closed = pool.close();
    assert.equal(pool.close(), closed);
    await closed;
    assert.equal(await failed, 'cancelled');
    assert.equal(results.length, 2, 'the running text is finished, the next not begun');
    assert.ok(!isRunning(pids()[0]!));
    await assert.rejects(pool.embed(['x'], text), { code: 'cancelled' });
  });

  it('are started again when one is killed in its run; nothing is lost', async () => {
    const pool = open(slow());
    const embedded: number[] = [];
    const run = pool.embed(['a', 'b', 'c'].map(longText), { ...text, onEmbedded: (index) => embedded.push(index) });
    await until(() => embedded.length === 1, 'the first text');
    await sleep(20);
    process.kill(pids()[0]!, 'SIGKILL');
    (await run).forEach(vectorOf);
    assert.equal(pids().length, 2);
    assert.deepEqual(embedded, [0, 1, 2]);
    assert.equal(count('text quarantined'), 0);
  });

  it('give up a text on which they died twice, and never try it again; the others get their vectors', async () => {
    const pool = open(small(), { assetsDir: strangeAssets() });
    const texts = ['one two', 'two three', 'kill me', 'three four', longText('five')];
    const results = await pool.embed(texts, text);
    assert.deepEqual(
      results.map((result) => 'failure' in result),
      [false, false, true, false, false],
    );
    assert.deepEqual(results[2], { failure: 'the embedding process died on it twice' });
    assert.equal(count('embedding process died'), 2);
    assert.equal(count('text quarantined'), 1);
    assert.deepEqual(await pool.embed(['kill me'], query), [results[2]]);
    assert.equal(pids().length, 3);
    assert.ok(!JSON.stringify(logged).includes('kill me'), 'the log holds text');
  });

  it('are killed when a run does not end', async () => {
    const pool = open(small(), { assetsDir: strangeAssets(), hangMs: 1_000 });
    const results = await pool.embed(['fine', 'hang on'], text);
    vectorOf(results[0]);
    assert.deepEqual(results[1], { failure: 'the embedding process died on it twice' });
    assert.equal(count('embedding process hangs'), 2);
  });

  it('are killed when they do not stop', async () => {
    const pool = open(small(), { assetsDir: strangeAssets(), stopMs: 200 });
    const run = assert.rejects(pool.embed(['hang on'], text), { code: 'cancelled' });
    await until(() => pids().length === 1, 'a process');
    await sleep(700);
    await pool.close();
    assert.equal(count('embedding process does not end'), 1);
    await run;
  });

  it('are not started for ever when none comes up, and the error says why', async () => {
    const folder = strangeAssets();
    writeFileSync(path.join(folder, 'embedProcess.cjs'), 'throw new Error("no room for a session");');
    const pool = open(small(), { assetsDir: folder });
    const failed = { code: 'worker_failed', message: /^embedding processes cannot be started: / };
    await assert.rejects(pool.embed(['a', 'b'], text), failed);
    assert.equal(pids().length, 4);
    await assert.rejects(pool.embed(['c'], text), failed);
    assert.equal(pids().length, 4);
  });

  it('are started again after an outage: when its time has come, and when somebody wants to try', async () => {
    const folder = strangeAssets();
    const bundle = path.join(folder, 'embedProcess.cjs');
    const working = readFileSync(bundle);
    const retries: (number | null)[] = [];
    const pool = open(small(), { assetsDir: folder, outageMs: 300, onOutage: (ms) => retries.push(ms) });
    const failed = { code: 'worker_failed', message: /no room.*tried again in a minute$/ };
    writeFileSync(bundle, 'console.error("no room"); process.exit(1);');
    await assert.rejects(pool.embed(['a'], text), failed);
    assert.deepEqual([pids().length, retries], [4, [300]]);
    await sleep(320);
    await assert.rejects(pool.embed(['a'], text), failed);
    assert.deepEqual([pids().length, retries], [5, [300, 600]], 'one process is enough to see that nothing is better');
    writeFileSync(bundle, working);
    await assert.rejects(pool.embed(['a'], text), failed);
    pool.retry();
    vectorOf((await pool.embed(['a'], text))[0]);
    assert.equal(pids().length, 6);
  });

  it('are not started at all where there is no runtime for the platform', async () => {
    const pool = open(small(), { assetsDir: dir });
    await assert.rejects(pool.embed(['a'], text), {
      code: 'model_unusable',
      message: `embedding is not available on this platform (${process.platform} ${process.arch})`,
    });
    assert.equal(pids().length, 0);
  });

  it('end by themselves when their parent is killed', async () => {
    const script = path.join(dir, 'parent.mts');
    const poolModule = path.resolve(import.meta.dirname, '../../../server/embedding/embedPool.ts');
    writeFileSync(
      script,
      `import { createEmbedPool } from ${JSON.stringify(poolModule)};
       const log = (event, fields) => event.endsWith('started') && console.log(fields.pid);
       const model = ${JSON.stringify(slow())};
       const pool = createEmbedPool({ model, assetsDir: ${JSON.stringify(assetsDir)}, processes: 1, log });
       await pool.embed(Array(50).fill('word '.repeat(500)), { kind: 'text', priority: 2 });`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await sleep(600);
    assert.ok(isRunning(pid));
    parent.kill('SIGKILL');
    await until(() => !isRunning(pid), 'the end of the orphan');
  });

  it('do not keep their parent alive when they have nothing to do', async () => {
    const script = path.join(dir, 'parent.mts');
    const poolModule = path.resolve(import.meta.dirname, '../../../server/embedding/embedPool.ts');
    writeFileSync(
      script,
      `import { createEmbedPool } from ${JSON.stringify(poolModule)};
       const model = ${JSON.stringify(small())};
       const pool = createEmbedPool({ model, assetsDir: ${JSON.stringify(assetsDir)}, processes: 1, log: () => {} });
       await pool.embed(['a'], { kind: 'text', priority: 2 });`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], { stdio: 'inherit' });
    assert.deepEqual(await once(parent, 'exit'), [0, null]);
  });

  /** Time of the processor that a process has used, by /proc/PID/stat (in ticks of 10 ms). */
  function cpuMsOf(pid: number): number {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** The real process with a leak of 40 MB a run. */
  function growingAssets(): string {
    const folder = strangeAssets();
    const bundle = path.join(folder, 'embedProcess.cjs');
    const leak = `const kept = []; process.on('message', () => kept.push(Buffer.alloc(40 * 2 ** 20, 1)));`;
    writeFileSync(bundle, `${leak}\n${readFileSync(bundle, 'utf8')}`);
    return folder;
  }

  /** The real process, but for texts on which it dies as an add-on would, or never ends. */
  function strangeAssets(): string {
    const folder = path.join(dir, 'assets');
    const binding = path.join(folder, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
    mkdirSync(binding, { recursive: true });
    writeFileSync(path.join(binding, 'onnxruntime_binding.node'), '');
    writeFileSync(
      path.join(folder, 'embedProcess.cjs'),
      `const send = process.send.bind(process);
       let texts = [];
       process.on('message', (message) => { if (message.kind === 'embed') texts = message.texts; });
       process.send = (message, handle, options, sent) => {
         const holds = (words) => message.kind === 'running' && message.indexes.some((i) => texts[i].includes(words));
         send(message, handle, options, () => {
           if (holds('kill me')) process.kill(process.pid, 'SIGKILL');
           else if (holds('hang on')) for (;;);
           else sent();
         });
       };
       require(${JSON.stringify(path.join(assetsDir, 'embedProcess.cjs'))});`,
    );
    return folder;
  }
});

describe('An embedding model that cannot be used', function () {
  this.timeout(20_000);
  let dir: string;
  let started: number;

  beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), 'contextkit-embed-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  async function failureOf(model: ReadyModel): Promise<Error & { code?: string; hint?: string }> {
    started = 0;
    const log = (event: string): void => void (started += event === 'embedding process started' ? 1 : 0);
    const pool = createEmbedPool({ model, assetsDir, processes: 1, log });
    try {
      await pool.embed(['a', 'b'], text);
    } catch (error) {
      return error as Error;
    } finally {
      await pool.close();
    }
    return assert.fail('the model was used');
  }

  const faults: [what: string, make: () => ReadyModel, message: RegExp][] = [
    [
      'is cut off',
      () => {
        const model = writeSmallModel(dir);
        truncateSync(path.join(dir, model.spec.files.model.path), 20_000);
        return model;
      },
      /^the embedding model cannot be loaded: .+model_quantized\.onnx \(/,
    ],
    [
      'is a web page',
      () => {
        const model = writeSmallModel(dir);
        writeFileSync(path.join(dir, model.spec.files.model.path), '<!doctype html><title>Not found</title>');
        return model;
      },
      /^the embedding model cannot be loaded: /,
    ],
    [
      'is not there',
      () => {
        const model = writeSmallModel(dir);
        rmSync(path.join(dir, model.spec.files.model.path));
        return model;
      },
      /^the embedding model cannot be loaded: /,
    ],
    [
      'has a tokenizer that is cut off',
      () => {
        const model = writeSmallModel(dir);
        truncateSync(path.join(dir, 'tokenizer.json'), 20_000);
        return model;
      },
      /tokenizer\.json is not JSON/,
    ],
    [
      'has no tokenizer',
      () => writeSmallModel(dir, { tokenizer: { model: {}, added_tokens: [] } }),
      /^the tokenizer of the embedding model cannot be used: /,
    ],
    [
      'knows fewer tokens than its tokenizer gives',
      () => writeSmallModel(dir, { rows: 1000, wrap: false }),
      /^the embedding model fails on a first text \(.*out of data bounds/,
    ],
    [
      'says that it knows fewer tokens than its tokenizer gives',
      () => writeSmallModel(dir, { config: { vocab_size: 20_000 } }),
      /^the tokenizer does not belong to the embedding model: it gives ids up to 30521, the model knows 20000$/,
    ],
    [
      'takes shorter texts',
      () => writeSmallModel(dir, { config: { max_position_embeddings: 256 } }),
      /^the embedding model takes 256 tokens at most, not 512$/,
    ],
    [
      'gives shorter vectors',
      () => ({ ...writeSmallModel(dir), spec: { ...readyModel(dir).spec, dimensions: 384 } }),
      /^the embedding model gives vectors of 16 numbers, not 384$/,
    ],
    [
      'gives a vector a text',
      () => writeSmallModel(dir, { output: 'per text' }),
      /^the embedding model has no output of a vector a token, only sentence_embedding \(float32, batch × 16\)$/,
    ],
    [
      'takes other inputs',
      () => writeSmallModel(dir, { inputs: ['pixel_values'] }),
      /^the embedding model takes pixel_values; known are input_ids, attention_mask, token_type_ids$/,
    ],
  ];

  for (const [what, make, message] of faults) {
    it(`because it ${what} is one clear error`, async () => {
      const failure = await failureOf(make());
      assert.equal(failure.code, 'model_unusable', String(failure));
      assert.match(failure.message, message);
      assert.ok(failure.hint !== undefined);
      assert.equal(started, 1);
    });
  }

  it('for one text, since its vector is not a number or zero, has a failure for that text', async () => {
    const pool = createEmbedPool({
      model: writeSmallModel(dir, { nanWord: 'storm', zeroWord: 'calm' }),
      assetsDir,
      processes: 1,
      log: () => undefined,
    });
    const results = await pool.embed(['fair wind', 'a storm comes', 'fair weather'], text);
    await pool.close();
    vectorOf(results[0]);
    vectorOf(results[2]);
    assert.deepEqual(results[1], { failure: 'the model gave no finite vector for it' });
  });
});
