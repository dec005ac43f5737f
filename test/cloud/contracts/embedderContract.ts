import assert from 'node:assert/strict';
import { EmbedderError, type Embedder } from '../../../cloud/ports/embedder.ts';
import type { FaultyNetwork } from '../servers/faultyNetwork.ts';

export interface EmbedderBackend {
  embedder: Embedder;
  /** A model on another machine: the line to it, and an embedder that soon loses its patience. */
  remote?: { network: FaultyNetwork; hasty: Embedder };
  close(): Promise<void>;
}

export interface EmbedderContractOptions {
  isRemote: boolean;
  start: () => Promise<EmbedderBackend>;
}

const never = new AbortController().signal;
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const isSame = (a: Float32Array, b: Float32Array): boolean => dot(a, b) > 0.9999;

/** What holds for every embedder. */
export function embedderContract(name: string, { isRemote, start }: EmbedderContractOptions): void {
  describe(`An embedder: ${name}`, function () {
    this.timeout(60_000);
    let backend: EmbedderBackend;
    let embedder: Embedder;

    before(async () => {
      backend = await start();
      embedder = backend.embedder;
    });
    after(() => backend?.close());

    const chunks = (...texts: string[]): Promise<Float32Array[]> => embedder.embed(texts, 'chunk', never);

    it('names its model with the dimensions', () => {
      assert.match(embedder.model, /^[\w.-]+\/\d+$/);
      assert.ok(embedder.model.endsWith(`/${embedder.dimensions}`));
    });

    it('gives a vector of length 1 for each text, in their order', async () => {
      const texts = ['a function that sorts numbers', 'class Invoice', 'SELECT name FROM users', 'class Invoice'];
      const vectors = await chunks(...texts);
      assert.equal(vectors.length, 4);
      for (const vector of vectors) {
        assert.ok(vector instanceof Float32Array && vector.length === embedder.dimensions);
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
      }
      assert.ok(isSame(vectors[1]!, vectors[3]!));
      assert.ok(!isSame(vectors[0]!, vectors[1]!) && !isSame(vectors[1]!, vectors[2]!));
      for (const [i, text] of texts.entries()) assert.ok(isSame((await chunks(text))[0]!, vectors[i]!), text);
    });

    it('takes a question too', async () => {
      const [question] = await embedder.embed(['where are numbers sorted?'], 'question', never);
      assert.equal(question!.length, embedder.dimensions);
    });

    it('nothing is embedded as nothing', async () => assert.deepEqual(await chunks(), []));

    it('takes hundreds in one call, each in its place', async () => {
      const texts = Array.from({ length: 300 }, (_, i) => `number ${i} of ${'word '.repeat(i % 7)} ${i * i}`);
      const vectors = await chunks(...texts);
      assert.equal(vectors.length, 300);
      for (const i of [0, 1, 127, 128, 255, 256, 299])
        assert.ok(isSame((await chunks(texts[i]!))[0]!, vectors[i]!), String(i));
    });

    it('takes awkward texts', async () => {
      const texts = [
        '\u0000\u0007',
        '🎉👩‍👩‍👧',
        'half a pair \ud800 here',
        '日本語のコメント',
        '"\\\n\t',
        '1',
        'x'.repeat(6_000),
      ];
      for (const vector of await chunks(...texts)) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
    });

    it('never mixes up those who ask at once', async () => {
      const texts = Array.from({ length: 200 }, (_, i) => `organization ${i % 2}, question ${i} of ${i % 6}`);
      const alone = await chunks(...texts);
      const together = await Promise.all(texts.map(async (text) => (await chunks(text))[0]!));
      for (const [i, vector] of together.entries()) assert.ok(isSame(vector, alone[i]!), texts[i]);
    });

    it('stops when it is told to, before and while it works', async () => {
      const reason = new Error('nobody waits any more');
      await assert.rejects(embedder.embed(['a'], 'chunk', AbortSignal.abort(reason)), (error) => error === reason);
      const controller = new AbortController();
      const texts = Array.from({ length: 500 }, (_, i) => `text ${i} ${'word '.repeat(50)}`);
      const work = embedder.embed(texts, 'chunk', controller.signal);
      setTimeout(() => controller.abort(reason), 20);
      await assert.rejects(work, (error) => error === reason);
      assert.equal((await chunks('and goes on with the next')).length, 1);
    });

    if (isRemote) {
      for (const state of ['down', 'silent', 'garbage'] as const)
        it(`is unavailable while the line is ${state}, and works again afterwards`, async () => {
          const { network, hasty } = backend.remote!;
          await network.set(state);
          try {
            for (const purpose of ['question', 'chunk'] as const)
              await assert.rejects(hasty.embed(['a secret text'], purpose, never), (error: Error) => {
                assert.ok(error instanceof EmbedderError && error.isUnavailable, String(error));
                assert.doesNotMatch(error.message, /secret/);
                return true;
              });
            const reason = new Error('nobody waits any more');
            const controller = new AbortController();
            const work = embedder.embed(['a'], 'chunk', controller.signal);
            setTimeout(() => controller.abort(reason), 30);
            await assert.rejects(work, (error) => error === reason);
          } finally {
            await network.set('fine');
          }
          assert.equal((await chunks('a')).length, 1);
        });

      it('a slow line is waited for', async () => {
        const { network } = backend.remote!;
        network.delay(120);
        try {
          assert.equal((await chunks('a', 'b')).length, 2);
        } finally {
          network.delay(0);
        }
      });
    }
  });
}
