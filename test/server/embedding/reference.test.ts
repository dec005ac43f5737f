import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { AutoTokenizer, env, pipeline, type FeatureExtractionPipeline } from '@xenova/transformers';
import type Runtime from 'onnxruntime-node';
import { createEmbedPool } from '../../../server/embedding/embedPool.ts';
import { createTokenizer, type TextTokenizer } from '../../../server/embedding/tokenizer.ts';
import type { Embedder } from '../../../server/embedding/types.ts';
import { assetsDir, readyModel } from './runnableModel.ts';
import { realModel, withRealModel } from './testModel.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const specials = /\[(?:PAD|UNK|CLS|SEP|MASK)\]/;
/** Marks that BERT drops with the accents, and transformers.js does not: it knows those of Latin only. */
const otherMarks = /(?![\u0300-\u036f])\p{Mn}/u;
const [cls, sep] = [101, 102];

/** Texts of 20 to 60 lines from sources, declarations and documents, in the order of their names. */
function realChunks(count: number): string[] {
  const folders = ['core', 'server', 'syntax', 'test', 'node_modules/typescript/lib', 'node_modules/eslint/lib'];
  const documents = readdirSync(path.join(root, 'node_modules'))
    .sort()
    .map((name) => `node_modules/${name}/README.md`);
  const names = [
    ...folders.flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|js|json)$/.test(name))
        .sort()
        .map((name) => path.join(folder, name)),
    ),
    ...documents,
  ];
  const perFile = 8;
  const chunks: string[] = [];
  for (const name of names) {
    const lines = textOf(path.join(root, name)).split('\n');
    for (let i = 0, start = 0; i < perFile && start < lines.length; i++) {
      const length = 20 + ((start * 7 + i * 13) % 41);
      chunks.push(lines.slice(start, start + length).join('\n'));
      start += length * 3;
    }
  }
  const usable = [...new Set(chunks)].filter(
    (chunk) => chunk.length < 40_000 && !specials.test(chunk) && !otherMarks.test(chunk.normalize('NFD')),
  );
  return Array.from({ length: count }, (_, i) => usable[Math.floor((i * usable.length) / count)]!);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

const awkward = [
  '',
  ' \n\t ',
  'naïve café ÀÉÎÕÜ ſtraße İstanbul ΟΔΥΣΣΕΥΣ',
  '日本語のコメント // 注释 한국어 주석',
  '𝒳 := 🎉🎉 👩‍👩‍👧 \u0000\u0007\u200b\ufeff zero\u00adwidth\u2028line',
  `const ${'x'.repeat(10_000)} = 1;`,
  `"${'ab1_'.repeat(400)}"`,
  'snake_case camelCase SCREAMING_CASE kebab-case a.b->c::d <T extends U>(x?: T[]) => `${x}`',
  '०१२ ½ ² Ⅳ ①',
  'e\u0301 combining, \u1e9b\u0323 twice, \ud800 half a pair',
];

withRealModel('Beside transformers.js', () => {
  describe('Beside transformers.js, with all-MiniLM-L6-v2', function () {
    this.timeout(60_000);
    let dir: string;
    let ours: TextTokenizer;
    let theirs: { encode(text: string): number[] };

    before(async () => {
      dir = realModel();
      env.allowRemoteModels = false;
      env.localModelPath = `${path.dirname(dir)}/`;
      const read = (name: string): string => readFileSync(path.join(dir, name), 'utf8');
      ours = createTokenizer(read('tokenizer.json'), read('tokenizer_config.json'), 512);
      theirs = await AutoTokenizer.from_pretrained(path.basename(dir));
    });

    const expected = (text: string): number[] => {
      const ids = theirs.encode(text);
      return ids.length <= 512 ? ids : [...ids.slice(0, 511), sep];
    };

    it('2,000 real chunks get the same ids', () => {
      const chunks = realChunks(2_000);
      let truncated = 0;
      for (const chunk of chunks) {
        const encoded = ours.encode(chunk);
        assert.equal(encoded.ids.join(' '), expected(chunk).join(' '), chunk);
        if (encoded.truncated) truncated++;
      }
      assert.equal(new Set(chunks).size, 2_000);
      assert.ok(truncated > 100 && truncated < 1_500, `${truncated} are truncated`);
    });

    it('so do awkward texts', () => {
      for (const text of awkward)
        assert.deepEqual(ours.encode(text).ids, expected(text), JSON.stringify(text.slice(0, 80)));
    });

    it('so do long texts, which are tokenized piece by piece', () => {
      const words = ['x'.repeat(300), 'ΟΔΥΣΣΕΥΣ', 'a_b', '\u0301', 'e', '日本', '  '];
      for (let seed = 1; seed <= 12; seed++) {
        const text = Array.from({ length: 1_500 }, (_, i) => words[(i * i * seed + i * seed) % words.length]!)
          .join(seed % 2 === 0 ? ' ' : '\n')
          .slice(seed);
        assert.deepEqual(ours.encode(text).ids, expected(text));
      }
    });

    it('but where theirs departs from BERT, which drops the marks of every script', () => {
      assert.notDeepEqual(ours.encode('パラメーター').ids, expected('パラメーター'));
      assert.deepEqual(ours.encode('パラメーター').ids, ours.encode('ハラメーター').ids);
    });

    it('a text of as many tokens as fit is not truncated, one more is', () => {
      for (const [words, truncated] of [
        [510, false],
        [511, true],
        [5_000, true],
      ] as const) {
        const { ids, ...rest } = ours.encode('word '.repeat(words));
        assert.deepEqual([ids.length, ids[0], ids.at(-1), rest.truncated], [512, cls, sep, truncated]);
      }
      // White space behind the last token that fits is nothing.
      assert.equal(ours.encode(`${'word '.repeat(510)}${' '.repeat(9_000)}`).truncated, false);
    });

    it('special tokens that stand in a text are text', () => {
      for (const text of [
        'a [SEP] b',
        '[CLS]',
        'x[MASK]y',
        '[PAD][PAD]',
        '[UNK]',
        'RE = /\\[(?:PAD|UNK)\\]/',
        '[sep]',
      ]) {
        const { ids } = ours.encode(text);
        const inner = ids.slice(1, -1);
        assert.deepEqual([ids[0], ids.at(-1)], [cls, sep]);
        assert.ok(!inner.some((id) => [0, cls, sep, 103].includes(id)), text);
        assert.deepEqual(ids, ours.encode(text.toLowerCase()).ids);
      }
      // Theirs ends the text at the first of them.
      assert.ok(theirs.encode('a [SEP] b').slice(1, -1).includes(sep));
    });

    describe('its vectors', () => {
      let pool: Embedder;
      let extract: FeatureExtractionPipeline;

      before(async () => {
        pool = createEmbedPool({ model: readyModel(dir), assetsDir, processes: 1, log: () => undefined });
        extract = await pipeline('feature-extraction', path.basename(dir), { quantized: true });
      });
      after(() => pool.close());

      /** Cosines of ours and theirs on real chunks, ascending. */
      async function cosines(extract: FeatureExtractionPipeline): Promise<number[]> {
        const chunks = realChunks(24).filter((chunk) => theirs.encode(chunk).length <= 512);
        assert.ok(chunks.length > 10);
        const embedded = await pool.embed(chunks, { kind: 'text', priority: 2 });
        const found: number[] = [];
        for (const [i, chunk] of chunks.entries()) {
          const one = embedded[i]!;
          assert.ok('vector' in one);
          const { data } = await extract(chunk, { pooling: 'mean', normalize: true });
          found.push(one.vector.reduce((sum, value, d) => sum + value * Number(data[d]), 0));
        }
        return found.sort((a, b) => a - b);
      }

      it('are those of its pipeline on our version of the runtime', async () => {
        const [lowest] = await cosines(await onOurRuntime());
        assert.ok(lowest! > 0.99999, String(lowest));
      });

      // Rounding to int8 differs from version to version: between theirs and ours with either pipeline.
      it('are near to those of its pipeline on its own, older one', async () => {
        const found = await cosines(extract);
        assert.ok(found[0]! > 0.99, String(found[0]));
        assert.ok(found[found.length >> 1]! > 0.997, String(found[found.length >> 1]));
      });

      it('are the same each time, alone or not', async () => {
        const chunks = realChunks(8).map((chunk) => chunk.slice(0, 300));
        const together = await pool.embed(chunks, { kind: 'text', priority: 2 });
        for (const [i, chunk] of chunks.entries())
          assert.deepEqual(await pool.embed([chunk], { kind: 'query', priority: 0 }), [together[i]]);
      });

      /** The pipeline, its sessions made by the runtime that the product ships. */
      async function onOurRuntime(): Promise<FeatureExtractionPipeline> {
        const require = createRequire(import.meta.url);
        const theirRequire = createRequire(require.resolve('@xenova/transformers'));
        const runtime = require('onnxruntime-node') as typeof Runtime;
        const { InferenceSession } = theirRequire('onnxruntime-common') as typeof Runtime;
        const create = Object.getOwnPropertyDescriptor(InferenceSession, 'create')!;
        Object.defineProperty(InferenceSession, 'create', {
          ...create,
          value: async (model: Uint8Array) => {
            const session = await runtime.InferenceSession.create(model);
            return {
              inputNames: session.inputNames,
              outputNames: session.outputNames,
              run: (feeds: Record<string, { data: BigInt64Array; dims: number[] }>) =>
                session.run(
                  Object.fromEntries(
                    Object.entries(feeds).map(([name, { data, dims }]) => [
                      name,
                      new runtime.Tensor('int64', data, dims),
                    ]),
                  ),
                ),
            };
          },
        });
        try {
          return await pipeline('feature-extraction', path.basename(dir), { quantized: true });
        } finally {
          Object.defineProperty(InferenceSession, 'create', create);
        }
      }

      it('are there for awkward texts too', async () => {
        const results = await pool.embed([...awkward, 'a [SEP] b', '[MASK]'], { kind: 'text', priority: 2 });
        for (const result of results) {
          assert.ok('vector' in result, JSON.stringify(result));
          assert.ok(Math.abs(Math.hypot(...result.vector) - 1) < 1e-5);
        }
      });
    });
  });
});
