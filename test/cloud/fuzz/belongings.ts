import assert from 'node:assert/strict';
import { callApi, type ApiReply } from '../callApi.ts';
import { hashOf, syncClient } from '../indexing/syncClient.ts';
import type { Tenant, TestPlatform } from '../stacks.ts';
import { thingKinds, type Known, type ThingKind } from './known.ts';
import type { Operation } from './operations.ts';

/** Texts that an organization calls its own. */
export interface Words {
  name: string;
  member: string;
  path: string;
  symbol: string;
  content: string;
}

/** No more are remembered: those before have been deleted, or are as good as the newer ones. */
const mostOfAKind = 30;
const nobody = '00000000-0000-4000-8000-000000000000';

const sourcesOf = ({ path, symbol, content }: Words): { path: string; content: string }[] => [
  { path: `src/${path}.ts`, content: `/** ${content} */\nexport function ${symbol}(a: number) {\n  return a;\n}\n` },
  { path: `src/${path}/use.ts`, content: `import { ${symbol} } from '../${path}';\nexport const b = ${symbol}(1);\n` },
  { path: `lib/${path}.py`, content: `def ${symbol}_py():\n    """${content}"""\n    return ${symbol}()\n` },
  { path: `${path}.md`, content: `# ${content}\n\nAbout ${symbol}.\n` },
  { path: `docs/${path}.txt`, content: `${content} ${symbol}\n` },
];

type Things = Record<ThingKind, string[]>;

const noThings = (): Things =>
  Object.fromEntries(thingKinds.map((kind) => [kind, [] as string[]])) as unknown as Things;

/** How things of a kind are found that came or went with requests: a list, and the ids in it. Jobs have no list, snapshots one a project. */
const lists: { path: string; of: string; ids: Partial<Record<ThingKind, string>> }[] = [
  { path: '/v1/projects', of: 'projects', ids: { project: 'slug', projectId: 'id' } },
  { path: '/v1/api-keys', of: 'keys', ids: { key: 'id' } },
  { path: '/v1/members', of: 'members', ids: { member: 'user_id' } },
  { path: '/v1/invitations', of: 'invitations', ids: { invitation: 'id' } },
];

/** An organization with something of everything, and what is known of it by its replies. */
export class Belongings {
  readonly tenant: Tenant;
  readonly slug: string;
  readonly words: Words;
  readonly session: string;
  /** What its own requests name. */
  readonly things = noThings();
  /** What its own requests leave alone. */
  readonly kept = noThings();
  readonly #platform: TestPlatform;
  readonly #sources: { path: string; content: string }[];
  readonly #cursors = new Map<string, string[]>();
  #made = 0;

  constructor(platform: TestPlatform, tenant: Tenant, slug: string, words: Words, session: string) {
    this.#platform = platform;
    this.tenant = tenant;
    this.slug = slug;
    this.words = words;
    this.session = session;
    this.#sources = sourcesOf(words);
  }

  async call(method: string, path: string, body?: unknown): Promise<ApiReply> {
    return callApi(this.#platform.address, method, path, { key: this.tenant.key, body });
  }

  /** Something of every kind, the project with an index. */
  async make(into: Things): Promise<void> {
    const { name, member } = this.words;
    const made = `${++this.#made}`;
    const post = async (path: string, body: unknown): Promise<{ id: string; slug: string }> => {
      const reply = await this.call('POST', path, body);
      assert.equal(reply.status, 201, reply.text);
      return reply.body as { id: string; slug: string };
    };
    const project = await post('/v1/projects', { name, slug: `p-${made}-${this.slug}`, description: name });
    const client = syncClient(this.#platform.address, this.tenant.key, project.id);
    const job = await client.call('POST', '/v1/index/sync', { body: { project_id: project.id, files: this.#sources } });
    assert.equal(job.status, 202, job.text);
    const jobId = job.body.job_id as string;
    assert.equal((await client.ended(jobId)).status, 'succeeded');
    const { database } = this.#platform.stack;
    const { org } = this.tenant;
    const [user] = await database.callGate<{ id: string }>('ensure_user', [`${member}-${made}@example.com`]);
    await database.withOrg(org, (tx) =>
      tx.query(`INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, 'member')`, [org, user!.id]),
    );
    const snapshot = await this.call('POST', '/v1/snapshots', { project_id: project.id });
    assert.equal(snapshot.status, 202, snapshot.text);
    assert.equal((await client.ended(snapshot.body.job_id as string)).status, 'succeeded');
    into.snapshot.push(snapshot.body.id as string);
    into.project.push(project.id, project.slug);
    into.projectId.push(project.id);
    into.job.push(jobId);
    into.member.push(user!.id);
    into.key.push((await post('/v1/api-keys', { name, scopes: ['project:read'] })).id);
    into.invitation.push((await post('/v1/invitations', { email: `${member}-invited-${made}@example.com` })).id);
  }

  /** Things that requests have made; cursors that lists have given. */
  learn({ path }: Operation, reply: ApiReply): void {
    if (reply.status >= 300) return;
    const body = (reply.body ?? {}) as Record<string, unknown>;
    if (typeof body['next_cursor'] === 'string') this.#remember(this.#cursorsOf(path), body['next_cursor']);
    if (typeof body['job_id'] === 'string') this.#remember(this.things.job, body['job_id']);
    if (path === '/v1/snapshots' && typeof body['id'] === 'string') this.#remember(this.things.snapshot, body['id']);
    if (reply.status !== 201) return;
    for (const { path: list, ids } of lists) {
      if (path !== list) continue;
      for (const [kind, name] of Object.entries(ids))
        this.#remember(this.things[kind as ThingKind], body[name] as string);
    }
  }

  /** @returns false where its key does nothing any more. */
  async refresh(): Promise<boolean> {
    if ((await this.call('GET', '/v1/organization')).status !== 200) return false;
    const kept = new Set([...Object.values(this.kept).flat(), this.tenant.keyId, this.tenant.ownerId]);
    for (const { path, of, ids } of lists) {
      const reply = await this.call('GET', `${path}?limit=100`);
      // The key is of somebody who is no admin any more.
      if (reply.status !== 200) return false;
      const rows = (reply.body as Record<string, Record<string, string>[]>)[of]!;
      for (const [kind, name] of Object.entries(ids)) {
        const all = rows.filter((row) => !kept.has(row[name]!)).map((row) => row[name]!);
        this.things[kind as ThingKind].splice(0, Infinity, ...all.slice(-mostOfAKind));
      }
    }
    if (Object.values(this.things).some((ids) => ids.length === 0)) await this.make(this.things);
    return true;
  }

  /** What stands for it in a request. @param from what its own requests name, or what they leave alone */
  pick({ kind, index, list }: Known, from: Things = this.things): unknown {
    const of = <Item>(all: readonly Item[], otherwise: Item): Item => all[index % all.length] ?? otherwise;
    const source = of(this.#sources, { path: '', content: '' });
    const hash = hashOf(source.content);
    switch (kind) {
      case 'cursor':
        // Left out where no list has given one yet.
        return of<string | undefined>(this.#cursorsOf(list), undefined);
      case 'session':
        return this.session;
      case 'organization':
        return of([this.slug, this.tenant.org], '');
      case 'name':
        return this.words.name;
      case 'email':
        return `${this.words.member}-mail-${index % 10}@example.com`;
      case 'word':
        return of([this.words.symbol, this.words.content, `${this.words.symbol}_py`], '');
      case 'path':
        return source.path;
      case 'hash':
        return hash;
      case 'entry':
        return { path: source.path, hash };
      case 'content':
        return { hash, content: source.content };
      case 'source':
        return source;
      default:
        return of(from[kind], nobody);
    }
  }

  #cursorsOf(path: string): string[] {
    const cursors = this.#cursors.get(path) ?? [];
    this.#cursors.set(path, cursors);
    return cursors;
  }

  #remember(list: string[], id: string): void {
    list.push(id);
    if (list.length > mostOfAKind) list.shift();
  }
}
