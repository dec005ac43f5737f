import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SelectedContext } from '../../../protocol/api/index.ts';
import { createEmbedPool } from '../../../server/embedding/embedPool.ts';
import { findModel, openEmbeddings, openEngine, type Embeddings, type Engine } from '../../../server/engine/index.ts';
import { assetsDir, writeSmallModel } from '../../server/embedding/runnableModel.ts';
import { realModel, withRealModel } from '../../server/embedding/testModel.ts';
import { assertAlike } from './assertAlike.ts';
import { syncClient, type SyncClient } from '../indexing/syncClient.ts';
import { openAiError, startOpenAi, type OpenAiServer } from '../servers/openAiServer.ts';
import { openEmbedded, type TestPlatform } from '../stacks.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const apiKey = 'sk-secret-of-the-tests';

function sourcesOf(folders: readonly string[]): Map<string, string> {
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(repository, folder))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  return new Map(files.map((file) => [file, readFileSync(path.join(repository, file), 'utf8')]));
}

/** The same files and the same model, in the local engine and behind a provider of embeddings of the cloud. */
function answersAlike(title: string, modelFolder: (scratch: string) => string, tree: Map<string, string>): void {
  describe(title, function () {
    this.timeout(60_000);
    let scratch: string;
    let embeddings: Embeddings;
    let engine: Engine;
    let provider: OpenAiServer;
    let closePool: () => Promise<void>;
    let platform: TestPlatform;
    let client: SyncClient;

    before(async () => {
      scratch = mkdtempSync(path.join(tmpdir(), 'contextkit-meaning-'));
      const directory = modelFolder(scratch);
      const root = path.join(scratch, 'root');
      for (const [file, text] of tree) {
        mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
        writeFileSync(path.join(root, file), text);
      }
      const state = await findModel({ directory, env: {} });
      assert.ok(state.state === 'ready');
      const pool = createEmbedPool({ model: state.model, assetsDir, processes: 1, log: () => undefined });
      closePool = () => pool.close();
      provider = await startOpenAi({ apiKey, model: 'text-embedding-3-small', pool });
      platform = await openEmbedded({ OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: provider.baseUrl });
      const { key } = await platform.found('reader');
      client = syncClient(platform.address, key, 'lib');
      await client.call('POST', '/v1/projects', { body: { name: 'Lib', slug: 'lib' } });
      embeddings = openEmbeddings({ directory, cacheDir: path.join(scratch, 'cache'), env: {}, processes: 1 });
      engine = await openEngine({ root, embeddings });
      await engine.index();
      await engine.embed();
      const job = await client.sync(tree);
      assert.equal(job.status, 'succeeded', JSON.stringify(job));
    });
    after(async () => {
      await engine.close();
      await embeddings.close();
      await platform.close();
      await provider.close();
      await closePool();
      rmSync(scratch, { recursive: true, force: true });
    });

    const select = async (body: Record<string, unknown>): Promise<SelectedContext> => {
      const reply = await client.call('POST', '/v1/context/select', { body: { project_id: 'lib', ...body } });
      assert.equal(reply.status, 200, reply.text);
      return reply.body as SelectedContext;
    };

    for (const query of ['spending the budget on what is worth most', 'which parts of a file were shown before']) {
      it(`ranks by meaning as the local engine does: ${query}`, async () => {
        const local = await engine.select({ query, budget: 3_000 });
        const body = await select({ query, budget: 3_000 });
        assert.ok(local.metadata.byMeaning && body.metadata.by_meaning);
        assert.deepEqual(body.metadata.notes, []);
        assert.deepEqual(
          body.chunks.map(({ file, start_line }) => [file, start_line]),
          local.chunks.map(({ path: file, startLine }) => [file, startLine]),
        );
        assertAlike(
          body.chunks.map(({ score }) => score),
          local.chunks.map(({ score }) => score),
        );
        assert.equal(body.context, local.context);
        const byWords = await engine.select({ query, budget: 3_000, byMeaning: false });
        assert.notDeepEqual(
          byWords.chunks.map(({ score }) => score),
          local.chunks.map(({ score }) => score),
        );
        const map = await engine.select({ query, budget: 1_500, mode: 'map' });
        assert.equal((await select({ query, budget: 1_500, mode: 'map' })).context, map.context);
      });
    }

    it('asks for the vector of a question once, and answers by words while the provider is down', async () => {
      const query = 'where lines are joined';
      const before = provider.requests.length;
      await select({ query, budget: 600 });
      await select({ query, budget: 601 });
      assert.equal(provider.requests.length, before + 1);
      const other = 'lines that are told apart';
      provider.next(...Array.from({ length: 3 }, () => openAiError(503, 'server_error')));
      const down = await select({ query: other, budget: 3_000 });
      assert.match(down.metadata.notes[0]!, /provider does not answer/);
      assert.equal(down.metadata.by_meaning, false);
      const local = await engine.select({ query: other, budget: 3_000, byMeaning: false });
      assert.equal(down.context, local.context);
      // What lacks something is not remembered.
      assert.equal((await select({ query: other, budget: 3_000 })).metadata.cache_hit, false);
    });
  });
}

answersAlike(
  'Context by the meaning of a small model',
  (scratch) => {
    const folder = path.join(scratch, 'model');
    writeSmallModel(folder, {
      dimensions: 384,
      config: { model_type: 'bert', max_position_embeddings: 512, hidden_size: 384 },
    });
    return folder;
  },
  sourcesOf(['core/pack', 'core/format']),
);

withRealModel('Context by the meaning of the real model', () =>
  answersAlike('Context by the meaning of the real model', () => realModel(), sourcesOf(['core/pack'])),
);
