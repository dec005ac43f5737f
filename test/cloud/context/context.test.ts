import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { openEngine, type Engine, type SelectRequest } from '../../../server/engine/index.ts';
import { assertAlike } from './assertAlike.ts';
import { syncClient, type SyncClient } from '../indexing/syncClient.ts';
import { onEachStack, type Tenant } from '../stacks.ts';

const repository = path.resolve(import.meta.dirname, '../../..');
const tokensOf = (text: string): number => countTokens(text, { disallowedSpecial: new Set<string>() });

/** Real code: a part of this repository, by path. */
function someSources(): Map<string, string> {
  const tree = new Map<string, string>();
  for (const folder of ['core', 'cli', 'server/store', 'docs', 'test/core/pack']) {
    for (const name of readdirSync(path.join(repository, folder), { recursive: true, encoding: 'utf8' })) {
      const file = path.posix.join(folder, name.replaceAll(path.sep, '/'));
      if (/\.(ts|md)$/.test(name)) tree.set(file, readFileSync(path.join(repository, file), 'utf8'));
    }
  }
  return tree;
}

const queries = [
  'how is a pack fitted into the token budget',
  'writer lock of the index',
  'parseImports rust',
  'core/rank/searchIndex.ts',
  'where are test files ranked lower than sources',
];

type LocalQuestion = Pick<SelectRequest, 'query' | 'budget' | 'format' | 'mode' | 'includeImports' | 'sources'>;

const questions: LocalQuestion[] = [
  ...queries.map((query) => ({ query })),
  { query: queries[0]!, budget: 500 },
  { query: queries[1]!, budget: 20_000, format: 'xml' },
  { query: queries[0]!, budget: 3_000, format: 'json', includeImports: true },
  { query: queries[1]!, budget: 6_000, format: 'plain', includeImports: true },
  { query: queries[1]!, sources: ['server', '!server/store/types.ts'] },
  { query: 'storing words', sources: ['*.md'] },
  { query: 'zzz qqq nothing has these words' },
  { query: '', mode: 'map', budget: 2_000 },
  { query: queries[0]!, mode: 'map', budget: 1_500, format: 'xml' },
  { query: queries[4]!, mode: 'map', budget: 4_000, format: 'json', sources: ['core/rank'] },
];

const tree = someSources();
let root: string;
let engine: Engine;

before(async function () {
  this.timeout(30_000);
  root = mkdtempSync(path.join(tmpdir(), 'contextkit-parity-'));
  for (const [file, text] of tree) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  engine = await openEngine({ root });
  await engine.index();
});
after(async () => {
  await engine.close();
  rmSync(root, { recursive: true, force: true });
});

onEachStack('Context', (platform) => {
  let tenant: Tenant;
  let client: SyncClient;
  let project: string;

  const select = (body: Record<string, unknown>, key?: string) =>
    client.call('POST', '/v1/context/select', {
      body: { project_id: 'lib', ...body },
      ...(key === undefined ? {} : { key }),
    });

  before(async function () {
    this.timeout(60_000);
    tenant = await platform().found('reader');
    client = syncClient(platform().address, tenant.key, 'lib');
    project = (await client.call('POST', '/v1/projects', { body: { name: 'Lib', slug: 'lib' } })).body.id as string;
    const job = await client.sync(tree);
    assert.equal(job.status, 'succeeded', JSON.stringify(job));
  });

  for (const { includeImports, ...question } of questions) {
    it(`answers as the local engine does: ${JSON.stringify({ ...question, includeImports })}`, async () => {
      const local = await engine.select({ ...question, ...(includeImports === undefined ? {} : { includeImports }) });
      const { status, body, text } = await select({ ...question, include_imports: includeImports ?? false });
      assert.equal(status, 200, text);
      assert.deepEqual(
        body.chunks.map((each: Record<string, unknown>) => [each['file'], each['start_line'], each['end_line']]),
        local.chunks.map((each) => [each.path, each.startLine, each.endLine]),
      );
      assert.equal(body.context, local.context);
      assert.deepEqual(
        body.chunks.map((each: Record<string, unknown>) => [each['content'], each['symbols']]),
        local.chunks.map((each) => [each.content, each.symbols]),
      );
      assertAlike(
        body.chunks.map(({ score }: { score: number }) => score),
        local.chunks.map(({ score }) => score),
      );
      const { tokens_used, files_included, left_out, notes } = body.metadata;
      assert.deepEqual(
        { tokens_used, files_included, left_out, notes },
        {
          tokens_used: local.metadata.tokensUsed,
          files_included: local.metadata.filesIncluded,
          left_out: local.metadata.leftOut,
          notes: [],
        },
      );
      assert.equal(tokens_used, tokensOf(body.context as string));
      assert.ok(tokens_used <= (question.budget ?? 8_000));
    });
  }

  it('finds definitions as the local engine does', async () => {
    for (const [query, exact] of [
      ['pack', false],
      ['SearchIndex', true],
      ['searchindx', false],
    ] as const) {
      const local = await engine.symbols({ name: query, match: exact ? 'exact' : 'any', limit: 20 });
      const { status, body, text } = await client.call(
        'GET',
        `/v1/symbols/search?project_id=${project}&query=${query}&exact=${exact}&limit=20`,
      );
      assert.equal(status, 200, text);
      assert.ok(local.length > 0);
      assert.deepEqual(
        body.symbols.map((each: Record<string, unknown>) => [each['file'], each['line'], each['name'], each['match']]),
        local.map((each) => [each.path, each.line, each.name, each.match]),
      );
    }
  });

  it('follows calls as the local engine does', async () => {
    const local = await engine.graph({ symbol: 'renderPieces', depth: 2 });
    const { status, body, text } = await client.call(
      'GET',
      `/v1/graph/calls?project_id=lib&symbol=renderPieces&depth=2`,
    );
    assert.equal(status, 200, text);
    assert.ok(local.definitions[0]!.callers.length > 1);
    const place = (each: { callee: { name: string }; lines: number[]; depth: number }, file: string) =>
      `${file}:${each.lines.join()} ${each.callee.name} ${each.depth}`;
    assert.deepEqual(
      body.definitions.map((each: { callers: never[] }) =>
        each.callers.map((edge: { file: string } & Parameters<typeof place>[0]) => place(edge, edge.file)),
      ),
      local.definitions.map(({ callers }) => callers.map((edge) => place(edge, edge.path))),
    );
    const none = await client.call('GET', `/v1/graph/calls?project_id=lib&symbol=noSuchName`);
    assert.deepEqual(none.body.definitions, []);
  });

  it('remembers an answer until the revision moves, and then gives that of the new one', async () => {
    const question = { query: 'a question that is asked twice about budgets', budget: 1_000 };
    const first = await select(question);
    const second = await select(question);
    assert.equal(first.body.metadata.cache_hit, false);
    assert.equal(second.body.metadata.cache_hit, true);
    assert.equal(second.body.context, first.body.context);
    for (const other of [{ budget: 1_001 }, { format: 'xml' }, { include_imports: true }, { sources: ['core'] }]) {
      assert.equal((await select({ ...question, ...other })).body.metadata.cache_hit, false, JSON.stringify(other));
    }
    const marker = 'export function zebraQuestionBudgets(): string {\n  return "zebra";\n}\n';
    const added = { files: [{ path: 'core/zebra.ts', content: marker }] };
    const { body: job } = await client.call('POST', '/v1/index/sync', { body: { project_id: 'lib', ...added } });
    assert.equal((await client.ended(job.job_id as string)).status, 'succeeded');
    const third = await select({ query: 'zebra question budgets', budget: 1_000 });
    assert.match(third.body.context as string, /zebraQuestionBudgets/);
    assert.equal(third.body.metadata.revision.number, first.body.metadata.revision.number + 1);
    assert.equal((await select(question)).body.metadata.cache_hit, false);
    const gone = await client.call('POST', '/v1/index/sync', {
      body: { project_id: 'lib', deletions: ['core/zebra.ts'] },
    });
    await client.ended(gone.body.job_id as string);
    assert.doesNotMatch((await select({ query: 'zebra', budget: 1_000 })).body.context as string, /zebraQuestion/);
    // The index was made anew around what had not changed: it is what one made at once would be.
    const local = await engine.select({ query: queries[0]! });
    assert.equal((await select({ query: queries[0]! })).body.context, local.context);
  });

  it('counts each question, also one that was answered before', async () => {
    const { body: before } = await client.call('GET', '/v1/usage');
    const { body } = await select({ query: 'counted question', budget: 700 });
    await select({ query: 'counted question', budget: 700 });
    const { body: after } = await client.call('GET', '/v1/usage');
    assert.equal(after.queries, before.queries + 2);
    assert.equal(after.tokens, before.tokens + 2 * body.metadata.tokens_used);
  });

  it('asks again when many ask at once, and gives each the same', async () => {
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) => select({ query: `asked by many ${i % 3}`, budget: 900 })),
    );
    assert.ok(replies.every(({ status }) => status === 200));
    for (const i of [0, 1, 2]) {
      const same = replies.filter((_, at) => at % 3 === i).map(({ body }) => body.context as string);
      assert.equal(new Set(same).size, 1);
    }
  });

  it('answers each organization from what is its own, and each key from its projects', async () => {
    const others = await platform().found('others');
    const theirs = syncClient(platform().address, others.key, 'lib');
    await theirs.call('POST', '/v1/projects', { body: { name: 'Lib', slug: 'lib' } });
    const theirTree = new Map([['secret.ts', 'export function theirSecretFunction(): void {}\n']]);
    assert.equal((await theirs.sync(theirTree)).status, 'succeeded');
    const ask = (of: SyncClient, body: Record<string, unknown>) =>
      of.call('POST', '/v1/context/select', { body: { query: 'theirSecretFunction', budget: 800, ...body } });
    const own = await ask(theirs, { project_id: 'lib' });
    assert.match(own.body.context as string, /theirSecretFunction/);
    assert.doesNotMatch((await ask(client, { project_id: 'lib' })).body.context as string, /SecretFunction/);
    const { project_id: theirProject } = own.body.metadata;
    assert.equal((await ask(client, { project_id: theirProject })).status, 404);
    assert.equal((await client.call('GET', `/v1/symbols/search?project_id=${theirProject}&query=a`)).status, 404);
    assert.equal((await client.call('GET', `/v1/graph/calls?project_id=${theirProject}&symbol=a`)).status, 404);
    const limited = await theirs.call('POST', '/v1/api-keys', {
      body: { name: 'Usage', scopes: ['usage:read'] },
    });
    const blind = syncClient(platform().address, limited.body.key as string, 'lib');
    assert.equal((await ask(blind, { project_id: 'lib' })).status, 403);
  });

  it('refuses what it cannot answer', async () => {
    const refused = async (body: Record<string, unknown>, status: number, fault: RegExp): Promise<void> => {
      const reply = await select(body);
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.text, fault);
    };
    await refused({ query: '  ' }, 400, /body\.query/);
    await refused({ query: 'x', budget: 499 }, 400, /body\.budget/);
    await refused({ query: 'x', budget: 100_001 }, 400, /body\.budget/);
    await refused({ query: 'x', format: 'yaml' }, 400, /body\.format/);
    await refused({ query: 'x', mode: 'half' }, 400, /body\.mode/);
    await refused({ query: 'x'.repeat(10_001) }, 400, /body\.query/);
    await refused({ query: 'x', limit: 3 }, 400, /limit/);
    await refused({ query: 'x', project_id: 'nobody' }, 404, /project/);
    await refused({ query: 'x', branch: 'other' }, 404, /branch other is indexed/);
    await client.call('POST', '/v1/projects', { body: { name: 'Empty', slug: 'empty' } });
    await refused({ query: 'x', project_id: 'empty' }, 404, /Nothing of this project is indexed/);
    const symbols = await client.call('GET', '/v1/symbols/search?project_id=lib&query=');
    assert.equal(symbols.status, 400);
    const deep = await client.call('GET', '/v1/graph/calls?project_id=lib&symbol=x&depth=11');
    assert.equal(deep.status, 400);
  });

  it('stops at the quota of the month', async () => {
    const poor = await platform().found('poor', { plan: 'free' });
    const others = syncClient(platform().address, poor.key, 'p');
    await others.call('POST', '/v1/projects', { body: { name: 'P', slug: 'p' } });
    const { stack } = platform();
    await stack.database.withOrg(poor.org, (tx) =>
      tx.query(
        `INSERT INTO usage_monthly (org_id, month, queries) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 1000)`,
        [poor.org],
      ),
    );
    const reply = await others.call('POST', '/v1/context/select', { body: { project_id: 'p', query: 'x' } });
    assert.equal(reply.status, 429, reply.text);
    assert.equal(reply.body.code, 'quota_exceeded');
    assert.ok(Number(reply.headers.get('retry-after')) > 0);
  });
});
