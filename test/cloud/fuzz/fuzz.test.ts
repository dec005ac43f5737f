import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkReply, type ApiReply } from '../checkReply.ts';
import { startIdentityServer } from '../servers/identityServer.ts';
import { onEachStack, type TestPlatform } from '../stacks.ts';
import { Belongings } from './belongings.ts';
import { unknownIds } from './hints.ts';
import { hostileRequest, toWire, type HostileRequest } from './hostileRequests.ts';
import { operations } from './operations.ts';
import { describeRequest, send, type WireRequest } from './send.ts';

/** CONTEXTKIT_FUZZ: how many on each stack. CONTEXTKIT_FUZZ_SEED: those of a run before, which has printed it. */
const requests = Number(process.env['CONTEXTKIT_FUZZ'] ?? 400);
const seed = Number(process.env['CONTEXTKIT_FUZZ_SEED'] ?? 20_260_209);
/** So many at the same time: some faults need company. */
const atOnce = 4;
/** After so many its things are looked up anew, and after some of these there is a new organization. */
const freshAfter = 80;
const newAfter = 1_200;

const provider = await startIdentityServer();
after(() => provider.close());

/** What is said to addresses and methods that there are not. */
const refusals = new Set([400, 401, 404, 405, 413, 415, 422, 429]);

/** A reply that nobody could have expected of the document. @throws {AssertionError} */
function check({ method, path }: WireRequest, address: string, reply: ApiReply): void {
  const { status, headers, text } = reply;
  assert.ok(status < 500, `a fault of the server: ${status} ${text}`);
  // The server itself says so, before there is a request: it can be read by nobody.
  if (text === '' && status === 400 && !headers.has('x-request-id')) return;
  assert.ok(headers.get('x-request-id'), `no request id: ${status} ${text}`);
  if (method === 'HEAD') assert.equal(text, '');
  else checkReply(method, `${address}${path}`, reply);
  if (status >= 400 && method !== 'HEAD') {
    assert.equal(headers.get('content-type'), 'application/problem+json', text);
    assert.equal(reply.body.status, status);
  }
}

function isKnownAddress({ method, path }: WireRequest, address: string): boolean {
  const { pathname } = new URL(`${address}${path}`);
  return (
    ['/', '/docs', '/openapi.json'].includes(pathname) ||
    operations.some(
      (each) =>
        (each.method === method || (method === 'HEAD' && each.method === 'GET')) &&
        new RegExp(`^${each.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
    )
  );
}

/** An organization for requests that may ruin it. */
function sandbox(platform: TestPlatform): { ready: () => Promise<Belongings> } {
  let count = 0;
  let sent = 0;
  let belongings: Belongings | undefined;
  const found = async (): Promise<Belongings> => {
    const slug = `fuzz-${++count}`;
    const tenant = await platform.found(slug);
    provider.accounts.set(`session-${slug}`, {
      id: 1_000 + count,
      emails: [{ email: `${slug}@example.com`, verified: true, primary: true }],
    });
    const words = { name: 'A name', member: slug, path: 'words', symbol: 'roundPrice', content: 'prices are rounded' };
    const made = new Belongings(platform, tenant, slug, words, `session-${slug}`);
    await made.make(made.things);
    return made;
  };
  return {
    ready: async () => {
      const isNew = sent % newAfter === 0;
      if (isNew) belongings = await found();
      else if (sent % freshAfter === 0 && !(await belongings!.refresh())) belongings = await found();
      sent += atOnce;
      return belongings!;
    },
  };
}

onEachStack(
  'Requests of every kind',
  (platform: () => TestPlatform) => {
    it(`are answered as the document says (${requests})`, async function () {
      this.timeout(60_000 + requests * 200);
      const { address, log } = platform();
      const box = sandbox(platform());
      const counts = new Map<string, number>();
      const deep = new Set<string>();
      let failed = '';

      const ask = async (hostile: HostileRequest, belongings: Belongings): Promise<void> => {
        const wire = toWire(hostile, belongings);
        try {
          const reply = await send(address, wire);
          check(wire, address, reply);
          if (!isKnownAddress(wire, address)) assert.ok(refusals.has(reply.status), `${reply.status} for nothing`);
          belongings.learn(hostile.operation, reply);
          counts.set(`${reply.status}`, (counts.get(`${reply.status}`) ?? 0) + 1);
          if (reply.status < 300 || reply.status === 409) deep.add(hostile.operation.id);
        } catch (error) {
          const logged = log.filter(({ level }) => level === 'error' || level === 'warn').slice(-3);
          failed = [
            String(error),
            ...logged.map(({ event, fields }) => `${event}: ${JSON.stringify(fields)}`),
            describeRequest(wire),
          ].join('\n\n');
          throw error;
        }
      };

      const property = fc.asyncProperty(
        fc.array(hostileRequest, { minLength: atOnce, maxLength: atOnce }),
        async (all) => {
          const belongings = await box.ready();
          log.splice(0);
          await Promise.all(all.map((each) => ask(each, belongings)));
          const faults = log.filter(({ level }) => level === 'error');
          if (faults.length > 0) failed = JSON.stringify(faults);
          assert.deepEqual(faults, []);
        },
      );
      const result = await fc.check(property, { seed, numRuns: Math.ceil(requests / atOnce), endOnFailure: false });
      const shown = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
      if (process.env['CONTEXTKIT_FUZZ'] !== undefined) console.log(Object.fromEntries(shown));
      assert.ok(
        !result.failed,
        `CONTEXTKIT_FUZZ_SEED=${seed}, after ${result.numRuns} times ${atOnce} requests, ${result.numShrinks} times made simpler:\n${failed === '' ? String(result.errorInstance) : failed}`,
      );
      // Requests that are refused at the door find nothing. Of a few requests, chance decides how far each comes.
      const shallow = operations.filter(({ id }) => !deep.has(id)).map(({ id }) => id);
      if (requests >= 3_000) assert.deepEqual(shallow, [], 'operations that no request came to the end of');
      else assert.ok(shallow.length < operations.length / 3, `shallow: ${shallow.join(', ')}`);
    });
  },
  { GITHUB_API_URL: provider.url, MAX_BODY_MB: '2', MAX_INDEX_BODY_MB: '2' },
);

describe('Requests that are made of the document', () => {
  it('name things that exist wherever an id stands', () => {
    const lacking = operations.flatMap((operation) => unknownIds(operation).map((name) => `${operation.id}: ${name}`));
    assert.deepEqual(lacking, [], 'hints.ts says what these are, belongings.ts how they are found');
  });
});
