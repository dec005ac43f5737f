import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findModel, type ModelOptions, type ModelState } from '../../../server/embedding/findModel.ts';
import { importModel, listModels, removeModel } from '../../../server/embedding/importModel.ts';
import { manifestName, manifestText } from '../../../server/embedding/modelFolders.ts';
import type { ModelConfig } from '../../../server/embedding/wishedModel.ts';
import { onnxFile, realModel, realModelSha256, sha256, smallModel, writeFiles, itWithRealModel } from './testModel.ts';

const onnx = 'onnx/model_quantized.onnx';

describe('Finding a model', () => {
  let scratch: string;
  beforeEach(() => (scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-models-'))));
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  const options = (changes: Partial<ModelOptions> = {}): ModelOptions => ({
    assetsDir: path.join(scratch, 'dist'),
    cacheDir: path.join(scratch, 'cache'),
    env: {},
    ...changes,
  });
  const inFolder = (name = 'small', changes: Parameters<typeof smallModel>[0] = {}): string =>
    writeFiles(path.join(scratch, name), smallModel(changes));
  const ready = (state: ModelState) => {
    assert.ok(state.state === 'ready', JSON.stringify(state));
    return state;
  };
  /** Puts a model beside the program, as packaging does. */
  const packIn = async (from: string): Promise<void> => {
    const { model } = ready(await findModel(options({ directory: from })));
    cpSync(from, path.join(scratch, 'dist/model'), { recursive: true });
    writeFileSync(path.join(scratch, 'dist/model', manifestName), manifestText(model.spec));
  };

  it('is missing where there is none, and says what to do', async () => {
    const state = await findModel(options());
    assert.deepEqual(state.state !== 'ready' && [state.state, state.id, state.downloadBytes], [
      'missing',
      'gte-small',
      34_726_088,
    ]);
    assert.match(state.state !== 'ready' ? state.nextStep : '', /contextkit model download` \(35 MB\)/);
    assert.ok(!existsSync(path.join(scratch, 'cache')), 'looking makes no folders');
  });

  itWithRealModel('reads the real model: shape, digests, where it lies', async () => {
    const dir = realModel();
    const { model, from, bytes } = ready(await findModel(options({ directory: dir })));
    assert.deepEqual(
      { ...model.spec, files: model.spec.files.model, from, dir: model.dir, bytes },
      {
        id: 'all-MiniLM-L6-v2',
        dimensions: 384,
        pooling: 'mean',
        maxTokens: 512,
        queryPrefix: '',
        textPrefix: '',
        source: null,
        files: { path: onnx, sha256: realModelSha256, bytes: 22_824_235 },
        from: 'directory',
        dir,
        bytes: 23_291_444,
      },
    );
    assert.match(model.fingerprint, /^[0-9a-f]{24}$/);
  });

  it('looks in the named folder, then beside the program, then in the cache', async () => {
    const cached = inFolder('cached');
    await importModel(cached, { ...options(), id: 'cached' });
    assert.equal(ready(await findModel(options({ model: { id: 'cached' } }))).from, 'cache');
    assert.equal((await findModel(options())).state, 'missing', 'a model that nobody chose was used');
    await packIn(inFolder('packed'));
    assert.equal(ready(await findModel(options())).from, 'package');
    assert.equal(ready(await findModel(options({ model: { id: 'cached' } }))).from, 'cache');
    const directory = inFolder('mine');
    assert.equal(ready(await findModel(options({ directory }))).from, 'directory');
    const env = { CONTEXTKIT_MODEL_DIR: inFolder('theirs') };
    assert.equal(ready(await findModel(options({ directory, env }))).model.spec.id, 'theirs');
  });

  it('does not pass over a named folder that holds none', async () => {
    await packIn(inFolder('packed'));
    const state = await findModel(options({ directory: path.join(scratch, 'nowhere') }));
    assert.ok(state.state === 'unusable');
    assert.match(state.reason, /nowhere cannot be used: there is no such folder/);
    mkdirSync(path.join(scratch, 'empty'));
    const empty = await findModel(options({ directory: path.join(scratch, 'empty') }));
    assert.match(empty.state === 'unusable' ? empty.reason : '', /there is no model in it/);
  });

  it('refuses a folder of the settings that is relative', async () => {
    const state = await findModel(options({ directory: 'models/mine' }));
    assert.ok(state.state === 'unusable');
    assert.match(state.reason, /^The model directory is not an absolute folder: models\/mine\.$/);
    assert.equal((await findModel(options({ model: { id: 'con' } }))).state, 'unusable');
  });

  describe('names what is wrong with', () => {
    const faults: [name: string, changes: Parameters<typeof smallModel>[0], config: ModelConfig, reason: RegExp][] = [
      ['a web page', { [onnx]: '<!DOCTYPE html><html>' }, {}, /model_quantized\.onnx is a web page/],
      [
        'a pointer of Git LFS',
        { [onnx]: 'version https://git-lfs.github.com/spec/v1\noid sha256:1' },
        {},
        /Git LFS.*git lfs pull/,
      ],
      ['an empty file', { [onnx]: '' }, {}, /is an empty file/],
      ['zeros', { [onnx]: Buffer.alloc(4096) }, {}, /nothing but zeros/],
      ['a zip archive', { [onnx]: Buffer.from('PK\u0003\u0004rest') }, {}, /is a zip archive/],
      ['text', { [onnx]: 'this is no model' }, {}, /is not a whole ONNX model/],
      [
        'a truncated model',
        { [onnx]: onnxFile().subarray(0, 2000) },
        {},
        /cut off: [\d,]+ bytes are announced, 2,000 are there/,
      ],
      ['weights in another file', { [onnx]: onnxFile({ external: 'weights.bin' }) }, {}, /weights lie in another file/],
      [
        'another kind of model',
        { [onnx]: onnxFile({ inputs: ['pixel_values'] }) },
        {},
        /no input input_ids, attention_mask/,
      ],
      [
        'another length than that of its description',
        { [onnx]: onnxFile({ outputs: [['last_hidden_state', 'batch', 'sequence', 16]] }) },
        {},
        /16 dimensions by the ONNX file, 8 by config\.json/,
      ],
      [
        'another length than the configured one',
        {},
        { dimensions: 384 },
        /8 dimensions by config\.json, 384 by the configuration/,
      ],
      [
        'no length at all',
        { 'config.json': {}, [onnx]: onnxFile({ outputs: [['x', 'batch', 'y']] }) },
        {},
        /how long its vectors are/,
      ],
      [
        'more tokens than it sees',
        { 'config.json': { hidden_size: 8, max_position_embeddings: 128 } },
        { maxTokens: 256 },
        /128 tokens at most, configured are 256/,
      ],
      ['a damaged tokenizer', { 'tokenizer.json': '{"model":' }, {}, /tokenizer\.json is damaged: no valid JSON/],
      ['a tokenizer that is a web page', { 'tokenizer.json': '<html></html>' }, {}, /no valid JSON; it is a web page/],
      ['a tokenizer that is a list', { 'tokenizer.json': '[]' }, {}, /not an object/],
      ['a tokenizer without words', { 'tokenizer.json': {} }, {}, /no vocabulary/],
      [
        'a tokenizer with a damaged vocabulary',
        { 'tokenizer.json': { model: { vocab: { a: 'b' } } } },
        {},
        /damaged vocabulary/,
      ],
      [
        'a tokenizer of another kind',
        { 'tokenizer.json': { model: { vocab: { '<s>': 0, '[CLS]': 1 } } } },
        {},
        /has no \[SEP\]: not one of BERT/,
      ],
      [
        'a tokenizer of a larger model',
        { 'config.json': { hidden_size: 8, vocab_size: 4 } },
        {},
        /does not belong to this model: it gives ids up to 7, the model knows 4 pieces/,
      ],
      ['a missing tokenizer', { 'tokenizer.json': null }, {}, /tokenizer\.json is not there/],
      ['a missing description', { 'config.json': null }, {}, /config\.json is not there/],
      ['a missing model', { [onnx]: null }, {}, /onnx\/model_quantized\.onnx is not there/],
      [
        'a model of another digest',
        {},
        { sha256: 'ab'.repeat(32) },
        /has the SHA-256 [0-9a-f]{64}, expected was (ab){32}/,
      ],
      [
        'pooling of another kind',
        { '1_Pooling/config.json': { pooling_mode_max_tokens: true } },
        {},
        /neither mean nor cls/,
      ],
    ];
    for (const [name, changes, model, reason] of faults) {
      it(name, async () => {
        const state = await findModel(options({ directory: inFolder('small', changes), model }));
        assert.ok(state.state === 'unusable', JSON.stringify(state));
        assert.match(state.reason, reason);
        assert.match(state.reason, /^The embedding model in .* cannot be used: .*\.$/);
      });
    }
  });

  it('takes what is configured, else what the files say, else the usual', async () => {
    const directory = inFolder('small', {
      [onnx]: null,
      'onnx/model.onnx': onnxFile({ outputs: [['last_hidden_state', 'batch', 'sequence', 'width']] }),
      'config.json': { hidden_size: 8, max_position_embeddings: 128 },
      '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
    });
    const read = ready(await findModel(options({ directory }))).model.spec;
    assert.deepEqual([read.files.model.path, read.pooling, read.maxTokens], ['onnx/model.onnx', 'cls', 128]);
    const model = {
      id: 'other',
      pooling: 'mean',
      maxTokens: 64,
      queryPrefix: 'query: ',
      textPrefix: 'passage: ',
    } as const;
    const { id, pooling, maxTokens, queryPrefix, textPrefix } = ready(await findModel(options({ directory, model })))
      .model.spec;
    assert.deepEqual({ id, pooling, maxTokens, queryPrefix, textPrefix }, model);
  });

  it('has one fingerprint for the same vectors, another for other ones', async () => {
    const of = async (changes: Parameters<typeof smallModel>[0] = {}, model: ModelConfig = {}, name = 'small') => {
      const directory = inFolder(name, changes);
      return ready(await findModel(options({ directory, model: { id: 'm', ...model } }))).model.fingerprint;
    };
    const plain = await of();
    assert.equal(await of({}, {}, 'elsewhere'), plain);
    assert.equal(
      await of({ 'config.json': { hidden_size: 8, max_position_embeddings: 512, note: 'x' } }, {}, 'noted'),
      plain,
    );
    const others = [
      await of({}, { pooling: 'cls' }),
      await of({}, { queryPrefix: 'q' }),
      await of({}, { textPrefix: 'q' }),
      await of({}, { maxTokens: 100 }),
      await of({ [onnx]: onnxFile({ weights: 6000 }) }, {}, 'heavier'),
      await of({ 'tokenizer.json': { model: { vocab: { '[CLS]': 0, '[SEP]': 1 } } } }, {}, 'wordless'),
    ];
    assert.equal(new Set([plain, ...others]).size, others.length + 1);
  });

  it('has another fingerprint on another runtime; a patch of it, and the first one, change nothing', async () => {
    const directory = inFolder();
    const manifest = path.join(scratch, 'dist/node_modules/onnxruntime-node/package.json');
    mkdirSync(path.dirname(manifest), { recursive: true });
    const on = async (version: string): Promise<string> => {
      writeFileSync(manifest, JSON.stringify({ name: 'onnxruntime-node', version }));
      const { fingerprint } = ready(await findModel(options({ directory }))).model;
      const given = await importModel(directory, { ...options(), id: 'given' });
      assert.equal(given.model.fingerprint, fingerprint, version);
      return fingerprint;
    };
    const bare = ready(await findModel(options({ directory }))).model.fingerprint;
    assert.equal(await on('1.30.0'), bare);
    assert.equal(await on('1.30.7'), bare);
    const others = [await on('1.31.0'), await on('1.14.0'), await on('2.30.0')];
    assert.equal(new Set([bare, ...others]).size, 4);
    assert.equal(await on('1.31.2'), others[0]);
  });

  it('reads a file from end to end once, and again when it has changed', async () => {
    const directory = inFolder();
    const file = path.join(directory, onnx);
    const [atime, mtime] = [new Date(1_700_000_000_000), new Date(1_700_000_001_000)];
    utimesSync(file, atime, mtime);
    const before = ready(await findModel(options({ directory }))).model;
    const facts = path.join(scratch, 'cache/models/file-facts.json');
    assert.ok(readFileSync(facts, 'utf8').includes(before.spec.files.model.sha256!));
    // Other bytes under the same marks: whoever reads them again would notice.
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    writeFileSync(file, bytes);
    utimesSync(file, atime, mtime);
    assert.equal(ready(await findModel(options({ directory }))).model.fingerprint, before.fingerprint);
    utimesSync(file, atime, new Date(mtime.getTime() + 5000));
    const after = ready(await findModel(options({ directory }))).model;
    assert.equal(after.spec.files.model.sha256, sha256(bytes));
    assert.notEqual(after.fingerprint, before.fingerprint);
  });

  it('goes by what was remembered of a tokenizer until that file changes', async () => {
    const directory = inFolder();
    const { model } = ready(await findModel(options({ directory })));
    const facts = path.join(scratch, 'cache/models/file-facts.json');
    const remembered = readFileSync(facts, 'utf8');
    assert.match(remembered, /"lacks":\[\],"highestId":\d+/);
    writeFileSync(facts, remembered.replace(/"highestId":\d+/, '"highestId":123456'));
    const state = await findModel(options({ directory }));
    assert.ok(state.state === 'unusable' && state.reason.includes('gives ids up to 123456'), JSON.stringify(state));
    utimesSync(path.join(directory, 'tokenizer.json'), new Date(1_700_000_000_000), new Date(1_700_000_001_000));
    assert.deepEqual(ready(await findModel(options({ directory }))).model, model);
    for (const damaged of ['{}', '{"lacks":[]}', '{"lacks":"","highestId":1}']) {
      writeFileSync(facts, remembered.replace(/\{"lacks":\[\],"highestId":\d+\}/, damaged));
      assert.deepEqual(ready(await findModel(options({ directory }))).model, model);
    }
  });

  it('reads again what was remembered in a damaged file', async () => {
    const directory = inFolder();
    const { model } = ready(await findModel(options({ directory })));
    writeFileSync(path.join(scratch, 'cache/models/file-facts.json'), '{"format":1,"files":{');
    assert.deepEqual(ready(await findModel(options({ directory }))).model, model);
  });

  it('works where nothing can be remembered', async () => {
    writeFileSync(path.join(scratch, 'cache'), 'a file where the folder must be');
    assert.equal(ready(await findModel(options({ directory: inFolder() }))).from, 'directory');
  });

  describe('in the cache', () => {
    it('imports the configured model and removes it', async () => {
      const from = inFolder('downloaded by hand');
      const model = { id: 'small', repository: 'acme/small', sha256: sha256(onnxFile()) };
      const imported = await importModel(from, options({ model }));
      assert.deepEqual([imported.used, imported.model.dir], [true, path.join(scratch, 'cache/models/small/main')]);
      assert.deepEqual(ready(await findModel(options({ model }))).model, imported.model);
      rmSync(from, { recursive: true });
      assert.equal(ready(await findModel(options({ model }))).from, 'cache');
      const [listed] = await listModels(options());
      assert.deepEqual([listed?.id, listed?.revision, listed?.whole], ['small', 'main', true]);
      assert.equal((await removeModel(undefined, options({ model }))).length, 1);
      assert.equal((await findModel(options({ model }))).state, 'missing');
      assert.deepEqual(await removeModel('small', options()), []);
    });

    itWithRealModel('imports another model only under a name', async () => {
      const dir = realModel();
      await assert.rejects(importModel(dir, options()), {
        code: 'model_unusable',
        message:
          /is not gte-small: onnx\/model_quantized\.onnx has 22,824,235 bytes where 34,014,427 bytes were expected/,
        hint: /--id NAME/,
      });
      assert.deepEqual(await listModels(options()), []);
      const { used, model } = await importModel(dir, { ...options(), id: 'mini' });
      assert.deepEqual([used, model.spec.id, model.spec.dimensions], [false, 'mini', 384]);
      assert.equal(ready(await findModel(options({ model: { id: 'mini' } }))).model.fingerprint, model.fingerprint);
    });

    it('imports nothing that cannot be used', async () => {
      const from = inFolder('small', { 'tokenizer.json': '{' });
      await assert.rejects(importModel(from, { ...options(), id: 'x' }), {
        code: 'model_unusable',
        message: /tokenizer\.json is damaged/,
      });
      await assert.rejects(importModel(path.join(scratch, 'nowhere'), options()), {
        message: /there is no model in .*nowhere/,
      });
      assert.deepEqual(await listModels(options()), []);
    });

    it('keeps the shape with which a model was imported', async () => {
      const model = { id: 'small', queryPrefix: 'query: ' };
      const from = inFolder('small', { '1_Pooling/config.json': { pooling_mode_cls_token: true } });
      await importModel(from, options({ model }));
      const { spec } = ready(await findModel(options({ model: { id: 'small' } }))).model;
      assert.deepEqual([spec.pooling, spec.queryPrefix], ['cls', 'query: ']);
    });

    const damages: [name: string, damage: (dir: string) => void, reason: RegExp][] = [
      [
        'truncated',
        (dir) => truncateSync(path.join(dir, onnx), 3000),
        /has 3,000 bytes where [\d,]+ bytes were expected/,
      ],
      ['longer', (dir) => appendFileSync(path.join(dir, 'tokenizer.json'), ' '), /tokenizer\.json has \d+ bytes/],
      [
        'swapped',
        (dir) => writeFileSync(path.join(dir, onnx), onnxFile({ weights: 5001 })),
        /model_quantized\.onnx has/,
      ],
      [
        'altered',
        (dir) => {
          const bytes = readFileSync(path.join(dir, onnx));
          writeFileSync(path.join(dir, onnx), bytes.fill('y', 1000, 1010));
        },
        /has the SHA-256 [0-9a-f]{64}, expected was [0-9a-f]{64}/,
      ],
      ['gone', (dir) => rmSync(path.join(dir, 'config.json')), /config\.json is not there/],
    ];
    for (const [name, damage, reason] of damages) {
      it(`notices a file that is ${name} since`, async () => {
        const model = { id: 'small' };
        const { model: imported } = await importModel(inFolder(), options({ model }));
        damage(imported.dir);
        const state = await findModel(options({ model }));
        assert.ok(state.state === 'unusable', JSON.stringify(state));
        assert.match(state.reason, reason);
        await importModel(inFolder(), options({ model }));
        ready(await findModel(options({ model })));
      });
    }
  });
});
