import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { ApiReply } from '../checkReply.ts';
import { checkReply } from '../checkReply.ts';
import { startIdentityServer } from '../servers/identityServer.ts';
import { onEachStack, type LogLine, type TestPlatform } from '../stacks.ts';
import { Belongings } from './belongings.ts';
import { addressOf, validDraft, type Draft } from './drafts.ts';
import { isReference, namesThings, resolveKnown, type Known } from './known.ts';
import { operations, type Operation } from './operations.ts';
import { describeRequest, send, type WireRequest } from './send.ts';

const organizations = Number(process.env['CONTEXTKIT_LEAK_ORGS'] ?? 6);
const isWholeRun = process.env['CONTEXTKIT_LEAK_ORGS'] !== undefined;
/** Of each organization. */
const requestsOfEach = Number(process.env['CONTEXTKIT_LEAK_REQUESTS'] ?? 100);
const seed = Number(process.env['CONTEXTKIT_FUZZ_SEED'] ?? 20_260_209);
const atOnce = 8;
/** So many are made at a time. */
const batch = 1_000;
/** After so many of its requests an organization looks up what it has. */
const freshAfter = 50;

const provider = await startIdentityServer();
after(() => provider.close());

/** A text that stands nowhere but in what belongs to this organization. */
const marker = (kind: string, org: number): string => `zq${kind}${org.toString(36).padStart(4, '0')}qz`;
const markers = /zq[a-z][0-9a-z]{4}qz/gi;
const ids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** `own`: all of it is of the one who asks. `aimed`: ids of another one. `probe`: own ids, words of another one. */
type Mode = 'own' | 'aimed' | 'probe';

interface Attempt {
  org: number;
  other: number;
  mode: Mode;
  operation: Operation;
  draft: Draft;
  idempotencyKey: number;
}

/** Without a key there is nothing of an organization, but for the sign-in. */
const ofOrganizations = operations.filter(({ needsKey, body }) => needsKey || body !== undefined);

const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  ...ofOrganizations.map((operation) =>
    fc.record({
      org: fc.nat(organizations - 1),
      other: fc.nat(organizations - 2),
      // Some operations name no ids: of all requests, a fifth is aimed at those of others.
      mode: fc.constantFrom<Mode>(
        'own',
        'own',
        'own',
        'own',
        'own',
        'own',
        'aimed',
        'aimed',
        'aimed',
        'aimed',
        'probe',
      ),
      operation: fc.constant(operation),
      draft: validDraft(operation, true),
      idempotencyKey: fc.nat(60),
    }),
  ),
);

/** Whose every id is that was seen, and what was found where it should not be. */
class Watch {
  readonly leaks: string[] = [];
  readonly #owners = new Map<string, number>();

  own(org: number, all: readonly string[]): void {
    for (const id of all) this.#owners.set(id.toLowerCase(), org);
  }

  look(org: number, wire: WireRequest, { status, headers, text }: ApiReply): void {
    const sent = `${decodeURIComponent(wire.path)} ${wire.body?.toString() ?? ''}`.toLowerCase();
    const seen = `${text} ${[...headers].map((pair) => pair.join(': ')).join('\n')}`;
    // The text of a key may look like the marker of an organization that there is not.
    const isForeign = (token: string, owner: number | undefined): boolean =>
      owner !== undefined && owner < organizations && owner !== org && !sent.includes(token.toLowerCase());
    const foreign = [
      ...(seen.match(markers) ?? []).filter((token) => isForeign(token, parseInt(token.slice(3, 7), 36))),
      ...(seen.match(ids) ?? []).filter((id) => isForeign(id, this.#owners.get(id.toLowerCase()))),
    ];
    if (foreign.length > 0) {
      this.leaks.push(
        `organization ${org} was shown ${foreign.join(', ')}\n${describeRequest(wire)}\n${status} ${text}`,
      );
    }
    // What it is shown first is its own, unless it has named it.
    if (status >= 300) return;
    for (const id of text.match(ids) ?? []) {
      if (!this.#owners.has(id.toLowerCase()) && !sent.includes(id.toLowerCase())) this.own(org, [id]);
    }
  }
}

async function found(platform: TestPlatform, org: number): Promise<Belongings> {
  const slug = `leak-${org}`;
  const tenant = await platform.found(slug, { name: marker('o', org), ownerEmail: `${marker('w', org)}@example.com` });
  provider.accounts.set(`session-${slug}`, {
    id: 1_000 + org,
    emails: [{ email: `${marker('w', org)}@example.com`, verified: true, primary: true }],
  });
  const words = {
    name: marker('n', org),
    member: marker('m', org),
    path: marker('p', org),
    symbol: marker('s', org),
    content: marker('c', org),
  };
  const belongings = new Belongings(platform, tenant, slug, words, `session-${slug}`);
  await belongings.make(belongings.things);
  await belongings.make(belongings.kept);
  return belongings;
}

/** Everything that nobody was to change. */
async function picture(belongings: Belongings): Promise<unknown> {
  const { kept } = belongings;
  const read = async (path: string): Promise<ApiReply['body']> => {
    const { status, body, text } = await belongings.call('GET', path);
    assert.equal(status, 200, text);
    return body as unknown;
  };
  const inList = async (path: string, of: string, key: string, id: string): Promise<unknown> => {
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await read(`${path}?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`);
      const entry = (page[of] as Record<string, unknown>[]).find((each) => each[key] === id);
      if (entry !== undefined) return entry;
      cursor = page.next_cursor as string | null;
    }
    throw new Error(`${path} holds ${id} no more`);
  };
  const project = kept.projectId[0]!;
  const { body: context } = await belongings.call('POST', '/v1/context/select', {
    project_id: project,
    query: belongings.words.symbol,
  });
  return {
    project: await read(`/v1/projects/${project}`),
    key: await read(`/v1/api-keys/${kept.key[0]!}`),
    job: await read(`/v1/index/status/${kept.job[0]!}`),
    member: await inList('/v1/members', 'members', 'user_id', kept.member[0]!),
    invitation: await inList('/v1/invitations', 'invitations', 'id', kept.invitation[0]!),
    symbols: await read(`/v1/symbols/search?project_id=${project}&query=${belongings.words.symbol}`),
    context: context.context as unknown,
    chunks: context.chunks as unknown,
  };
}

const foreignWords = new Set(['word', 'hash', 'cursor']);

function toWire({ mode, operation, draft, idempotencyKey }: Attempt, own: Belongings, other: Belongings): WireRequest {
  const pick = (known: Known): unknown => {
    const isOfOther = foreignWords.has(known.kind) || (mode === 'aimed' && isReference(known));
    return mode !== 'own' && isOfOther ? other.pick(known, other.kept) : own.pick(known);
  };
  const resolved = resolveKnown(draft, pick) as Draft;
  const isRepeated = mode === 'own' && idempotencyKey < 5 && operation.method !== 'GET' && operation.needsKey;
  return {
    method: operation.method,
    path: addressOf(operation, resolved),
    headers: {
      ...(operation.needsKey ? { authorization: `Bearer ${own.tenant.key}` } : {}),
      ...(resolved.body === undefined ? {} : { 'content-type': 'application/json' }),
      // The same ones for all organizations.
      ...(isRepeated ? { 'idempotency-key': `shared-${idempotencyKey}` } : {}),
    },
    body: resolved.body === undefined ? undefined : Buffer.from(JSON.stringify(resolved.body)),
  };
}

const workers = async (work: () => Promise<boolean>): Promise<void> => {
  const lane = async (): Promise<void> => {
    while (await work());
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
};

onEachStack(
  'Organizations side by side',
  (platform: () => TestPlatform) => {
    const total = organizations * requestsOfEach;

    it(`see nothing of each other (${organizations} organizations, ${total} requests)`, async function () {
      this.timeout(120_000 + organizations * 5_000 + total * 200);
      const { address, log } = platform();
      const watch = new Watch();
      const all: Belongings[] = [];
      for (let org = 0; org < organizations; org++) {
        const belongings = await found(platform(), org);
        const { tenant, things, kept } = belongings;
        watch.own(org, [tenant.org, tenant.keyId, tenant.ownerId]);
        watch.own(
          org,
          [...Object.values(things), ...Object.values(kept)].flat().filter((id) => id.match(ids) !== null),
        );
        all.push(belongings);
      }
      const before = await Promise.all(all.map(picture));
      const counts = new Map<string, number>();
      const wrong: string[] = [];
      /** What the server said of faults of its own: why a reply is a 500. */
      const faults: LogLine[] = [];
      const asked = all.map(() => 0);
      const refreshing: (Promise<boolean> | undefined)[] = [];

      const ask = async (one: Attempt): Promise<void> => {
        const own = all[one.org]!;
        // What is being made for it is not to be deleted by its own requests before it is whole.
        await refreshing[one.org];
        if (asked[one.org]!++ % freshAfter === freshAfter - 1) {
          refreshing[one.org] = own.refresh();
          assert.ok(await refreshing[one.org], 'the key of the owner');
        }
        const other = all[(one.org + 1 + one.other) % organizations]!;
        const wire = toWire(one, own, other);
        const reply = await send(address, wire);
        checkReply(wire.method, `${address}${wire.path}`, reply);
        watch.look(one.org, wire, reply);
        if (one.mode === 'own') own.learn(one.operation, reply);
        const isRefusal = one.mode === 'aimed' && namesThings(one.draft);
        if (reply.status >= 500 || (isRefusal && reply.status !== 403 && reply.status !== 404)) {
          wrong.push(`${one.mode}: ${describeRequest(wire)}\n${reply.status} ${reply.text}`);
        }
        const name = `${isRefusal || one.mode !== 'aimed' ? one.mode : 'no ids'} ${reply.status}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
        faults.push(...log.splice(0).filter(({ level }) => level === 'error'));
      };

      let made: Attempt[] = [];
      let sent = 0;
      const started = performance.now();
      const report = (): void => {
        const seconds = ((performance.now() - started) / 1_000).toFixed(0);
        console.log(`${sent} requests in ${seconds} s`, Object.fromEntries([...counts].sort()));
      };
      await workers(async () => {
        if (sent >= total || watch.leaks.length + wrong.length > 5) return false;
        if (made.length === 0) made = fc.sample(attempt, { numRuns: batch, seed: seed + sent });
        sent++;
        if (isWholeRun && sent % 5_000 === 0) report();
        await ask(made.pop()!);
        return true;
      });

      const repeat = `CONTEXTKIT_FUZZ_SEED=${seed}`;
      assert.deepEqual(watch.leaks, [], repeat);
      assert.deepEqual(wrong, [], `${repeat}\n${inspect(faults.slice(-20), { depth: 5 })}`);
      assert.deepEqual(await Promise.all(all.map(picture)), before, `${repeat}: things of others were changed`);
      const refused = (counts.get('aimed 404') ?? 0) + (counts.get('aimed 403') ?? 0);
      assert.ok(refused > total / 6, `only ${refused} of ${total} were aimed at others`);
      if (isWholeRun) report();
    });
  },
  { GITHUB_API_URL: provider.url },
);
