import assert from 'node:assert/strict';
import { questionVectors } from '../../../cloud/domain/context/questionVectors.ts';
import { EmbedderError, type Embedder } from '../../../cloud/ports/embedder.ts';

function make(embed: (text: string) => Float32Array | Error) {
  const asked: string[] = [];
  let time = 0;
  const embedder: Embedder = {
    model: 'test/2',
    dimensions: 2,
    embed: (texts, purpose) => {
      assert.equal(purpose, 'question');
      asked.push(...texts);
      const made = embed(texts[0]!);
      return made instanceof Error ? Promise.reject(made) : Promise.resolve([made]);
    },
  };
  const vectors = questionVectors({
    embedderOf: (model) => (model === 'test/2' ? embedder : undefined),
    maxBytes: 1_000,
    now: () => time,
    log: () => undefined,
  });
  return { vectors, asked, pass: (ms: number) => (time += ms) };
}

const unavailable = new EmbedderError('busy', { isUnavailable: true });

describe('Vectors of questions', () => {
  it('are made once for a text, as the model is given it', async () => {
    const { vectors, asked } = make(() => Float32Array.of(1, 0));
    const answers = await Promise.all(
      ['where is getUserName?', 'where is getUserName?'].map((q) => vectors.of(q, 'test/2')),
    );
    assert.deepEqual(answers, [{ vector: Float32Array.of(1, 0) }, { vector: Float32Array.of(1, 0) }]);
    await vectors.of('where is getUserName?', 'test/2');
    assert.deepEqual(asked, ['where is get User Name?']);
  });

  it('are missing where the model does not run here', async () => {
    const { vectors, asked } = make(() => Float32Array.of(1, 0));
    assert.deepEqual(await vectors.of('x', 'other/2'), { missing: 'unknown_model' });
    assert.deepEqual(asked, []);
  });

  it('are missing while the provider does not answer; it is left alone for a while', async () => {
    let answer: Float32Array | Error = unavailable;
    const { vectors, asked, pass } = make(() => answer);
    assert.deepEqual(await vectors.of('one', 'test/2'), { missing: 'unavailable' });
    answer = Float32Array.of(0, 1);
    assert.deepEqual(await vectors.of('two', 'test/2'), { missing: 'unavailable' });
    assert.deepEqual(asked, ['one']);
    pass(10_001);
    assert.deepEqual(await vectors.of('two', 'test/2'), { vector: Float32Array.of(0, 1) });
  });

  it('are missing where the provider gives one of another size', async () => {
    const { vectors } = make(() => Float32Array.of(1, 0, 0));
    assert.deepEqual(await vectors.of('x', 'test/2'), { missing: 'unavailable' });
  });

  it('are not missing quietly for a fault of ours', async () => {
    const { vectors } = make(() => new TypeError('a bug'));
    await assert.rejects(vectors.of('x', 'test/2'), TypeError);
  });
});
