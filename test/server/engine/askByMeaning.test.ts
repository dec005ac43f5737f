import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createAskByMeaning, type AskByMeaningOptions } from '../../../server/engine/askByMeaning.ts';

type Model = NonNullable<AskByMeaningOptions['models']['answering']>;

/** A model whose process has more to do. */
const busyModel = {
  fingerprint: '0123',
  questions: { of: () => new Promise<never>(() => undefined) },
  use: <T>(work: () => Promise<T>) => work(),
} as unknown as Model;

function askerOf(changes: Partial<AskByMeaningOptions>) {
  const models = { wanted: busyModel, earlier: null, answering: busyModel } as AskByMeaningOptions['models'];
  return createAskByMeaning({
    models,
    inBackground: true,
    open: () => Promise.resolve(),
    fill: () => Promise.resolve(),
    hasStarted: () => true,
    hasFailed: () => false,
    isIndexing: () => false,
    ...changes,
  } as AskByMeaningOptions);
}

describe('A question to a model that does not answer', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  /** Milliseconds until it was answered without its vector. */
  async function waitOf(changes: Partial<AskByMeaningOptions>): Promise<number> {
    let answeredBy: string | undefined;
    const asked = askerOf(changes).ask('winnow', undefined, (known) => {
      answeredBy = known === null ? 'words' : 'vector';
      return Promise.resolve();
    });
    for (let waited = 0; ; waited += 100) {
      await nextTurn();
      if (answeredBy !== undefined) {
        await asked;
        assert.equal(answeredBy, 'words');
        return waited;
      }
      assert.ok(waited < 60_000, 'it is never answered');
      mock.timers.tick(100);
    }
  }

  it('waits two seconds while an editor is indexing, and no longer', async () => {
    assert.equal(await waitOf({ isIndexing: () => true }), 2_000);
  });

  it('waits eight seconds otherwise, and on the command line always', async () => {
    assert.equal(await waitOf({}), 8_000);
    assert.equal(await waitOf({ inBackground: false, isIndexing: () => true }), 8_000);
  });

  it('hardly waits in an editor that has only just begun to look vectors up', async () => {
    const fill = (): Promise<never> => new Promise(() => undefined);
    assert.equal(await waitOf({ hasStarted: () => false, fill }), 300);
    // They were there in time: then it is the question's own vector that is waited for.
    let looked = false;
    const quick = (): Promise<void> => Promise.resolve(void (looked = true));
    assert.equal(await waitOf({ hasStarted: () => looked, fill: quick }), 8_000);
  });

  it('waits in an editor for no vectors of files', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const ready = { ...busyModel, questions: { of: () => Promise.resolve(new Float32Array(1)) } } as unknown as Model;
    const models = { wanted: ready, earlier: null, answering: ready } as AskByMeaningOptions['models'];
    const { ask } = askerOf({ models, fill: never });
    assert.equal(await ask('winnow', undefined, (known) => Promise.resolve(known !== null)), true);
  });
});

describe('A question that is foreseen', () => {
  /** The questions whose vectors were asked for. */
  function askedAfter(changes: Partial<AskByMeaningOptions>, query: string): string[] {
    const asked: string[] = [];
    const questions = { of: (text: string) => Promise.resolve(void asked.push(text)) };
    const model = { ...busyModel, questions } as unknown as Model;
    const models = { wanted: model, earlier: null, answering: model } as AskByMeaningOptions['models'];
    askerOf({ models, ...changes }).foresee(query);
    return asked;
  }

  it('gets its vector before it is asked', () => {
    assert.deepEqual(askedAfter({}, 'winnow'), ['winnow']);
  });

  it('starts nothing where it would be answered by words', () => {
    assert.deepEqual(askedAfter({}, '  '), []);
    assert.deepEqual(askedAfter({ hasFailed: () => true }, 'winnow'), []);
    assert.deepEqual(askedAfter({ hasStarted: () => false }, 'winnow'), []);
    const none = { wanted: null, earlier: null, answering: null } as AskByMeaningOptions['models'];
    assert.deepEqual(askedAfter({ models: none }, 'winnow'), []);
  });
});
