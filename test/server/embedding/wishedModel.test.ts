import assert from 'node:assert/strict';
import { gteSmall } from '../../../server/embedding/modelCatalog.ts';
import { fileAddress, hubAddress } from '../../../server/embedding/hubAddress.ts';
import { cachedFolder, revisionFolder } from '../../../server/embedding/modelFolders.ts';
import { isModelId, wishedModel, type ModelConfig } from '../../../server/embedding/wishedModel.ts';

const digest = 'ab'.repeat(32);

describe('The model that is wanted', () => {
  it("is the product's own where nothing is configured", () => {
    const { id, source, files } = wishedModel();
    assert.deepEqual({ id, source, files }, { id: gteSmall.id, source: gteSmall.source, files: gteSmall.files });
  });

  const pins: [says: string, config: ModelConfig, id: string, sha256: string | null, bytes: number | null][] = [
    [
      'keeps the digest with a prefix',
      { queryPrefix: 'query: ' },
      'gte-small',
      gteSmall.files.model.sha256,
      34_014_427,
    ],
    ['has no digest of another repository', { id: 'gte-small', repository: 'acme/gte-small' }, 'gte-small', null, null],
    ['has no digest of another file', { id: 'gte-small', file: 'onnx/model.onnx' }, 'gte-small', null, null],
    [
      'has the digest that is configured',
      { repository: 'acme/bge', sha256: digest.toUpperCase() },
      'bge',
      digest,
      null,
    ],
    ['takes a digest in place of its own', { sha256: digest }, 'gte-small', digest, null],
    ['is named by its repository', { repository: 'acme/some.model-v2' }, 'some.model-v2', null, null],
  ];
  for (const [says, config, id, sha256, bytes] of pins) {
    it(says, () => {
      const wish = wishedModel(config);
      assert.deepEqual([wish.id, wish.files.model.sha256, wish.files.model.bytes], [id, sha256, bytes]);
    });
  }

  const faults: [config: ModelConfig, message: RegExp][] = [
    [{ id: '../../etc' }, /model\.id/],
    [{ id: 'CON' }, /model\.id/],
    [{ id: 'a/b' }, /model\.id/],
    [{ repository: 'one' }, /model\.repository/],
    [{ repository: 'a/b/c' }, /model\.repository/],
    [{ repository: 'acme/nul' }, /not a name/],
    [{ revision: '../main' }, /model\.revision/],
    [{ file: '../model.onnx' }, /model\.file/],
    [{ file: '/model.onnx' }, /model\.file/],
    [{ file: 'C:\\model.onnx' }, /model\.file/],
    [{ file: 'a\\..\\model.onnx' }, /model\.file/],
    [{ file: 'model.bin' }, /model\.file/],
    [{ sha256: 'abc' }, /model\.sha256/],
  ];
  for (const [config, message] of faults) {
    it(`is refused as ${JSON.stringify(config)}`, () => {
      assert.throws(() => wishedModel(config), { code: 'invalid_config', message });
    });
  }

  for (const [id, isFine] of [
    ['gte-small', true],
    ['all-MiniLM-L6-v2', true],
    ['a', true],
    ['com1', false],
    ['com1.model', false],
    ['ends.', false],
    ['.hidden', false],
    ['a b', false],
    ['x'.repeat(65), false],
  ] as const) {
    it(`${isFine ? 'may' : 'may not'} be called ${id}: every platform has a folder of that name`, () => {
      assert.equal(isModelId(id), isFine);
    });
  }

  for (const [revision, name] of [
    ['main', 'main'],
    ['refs/pr/1', 'refs_pr_1'],
    ['v1.0', 'v1.0'],
    ['v1.', 'v1_'],
    ['a:b*c', 'a_b_c'],
  ] as const) {
    it(`lies in the folder ${name} as revision ${revision}`, () => {
      assert.equal(revisionFolder(revision), name);
      assert.ok(cachedFolder('cache', { id: 'm', source: { repository: 'a/m', revision } }).endsWith(name));
    });
  }
});

describe('The hub', () => {
  const addresses: [env: Record<string, string>, setting: string, url: string][] = [
    [{}, '', 'https://huggingface.co/'],
    [{ HF_ENDPOINT: 'https://mirror.example' }, '', 'https://mirror.example/'],
    [{ HF_ENDPOINT: 'https://mirror.example' }, 'https://set.example/hub/', 'https://set.example/hub/'],
    [{ CONTEXTKIT_MODEL_URL: 'http://localhost:1' }, 'https://set.example', 'http://localhost:1/'],
  ];
  for (const [env, setting, url] of addresses) {
    it(`is ${url} with ${JSON.stringify({ ...env, setting })}`, () => {
      assert.equal(hubAddress(env, setting).href, url);
    });
  }

  for (const address of ['ftp://x', 'nonsense', 'https://x/?a=b', 'file:///etc/passwd']) {
    it(`is not ${address}`, () => {
      assert.throws(() => hubAddress({}, address), { code: 'invalid_config', message: /not an http\(s\) URL/ });
    });
  }

  it('has a file at an address of its own, each part encoded', () => {
    const source = { repository: 'acme/model', revision: 'refs/pr/1' };
    assert.equal(
      fileAddress(new URL('https://set.example/hub/'), source, 'onnx/model quantized.onnx').href,
      'https://set.example/hub/acme/model/resolve/refs%2Fpr%2F1/onnx/model%20quantized.onnx',
    );
  });
});
