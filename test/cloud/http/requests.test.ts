import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';
import { sha256 } from '../../../cloud/domain/bytes.ts';
import { changePlan } from '../../../cloud/domain/organizations/manageOrganization.ts';
import { callApi, type CallOptions } from '../callApi.ts';
import { startIdentityServer } from '../servers/identityServer.ts';
import { onEachStack, type Tenant, type TestPlatform } from '../stacks.ts';

const provider = await startIdentityServer();
after(() => provider.close());

const verified = (email: string) => ({ email, verified: true, primary: true });

onEachStack(
  'Requests',
  (platform: () => TestPlatform) => {
    let tenant: Tenant;
    const call = (method: string, path: string, options: CallOptions = {}) =>
      callApi(platform().address, method, path, { key: tenant.key, ...options });

    before(async () => {
      tenant = await platform().found('requests');
    });

    describe('with a key', () => {
      const refused: { name: string; authorization: () => string | undefined; code: string }[] = [
        { name: 'none', authorization: () => undefined, code: 'unauthenticated' },
        { name: 'another scheme', authorization: () => `Basic ${tenant.key}`, code: 'unauthenticated' },
        {
          name: 'a wrong prefix',
          authorization: () => `Bearer sk_live_${tenant.key.slice(8)}`,
          code: 'unauthenticated',
        },
        {
          name: 'one character less',
          authorization: () => `Bearer ${tenant.key.slice(0, -1)}`,
          code: 'unauthenticated',
        },
        { name: 'one character more', authorization: () => `Bearer ${tenant.key}a`, code: 'unauthenticated' },
        {
          name: 'of the same beginning',
          authorization: () => `Bearer ${tenant.key.slice(0, 12)}${'x'.repeat(28)}`,
          code: 'unauthenticated',
        },
        {
          name: 'of another environment',
          authorization: () => `Bearer ck_test_${tenant.key.slice(8)}`,
          code: 'wrong_environment',
        },
      ];
      for (const { name, authorization, code } of refused) {
        it(`${name}: refused`, async () => {
          const value = authorization();
          const reply = await callApi(platform().address, 'GET', '/v1/me', {
            headers: value === undefined ? {} : { authorization: value },
          });
          assert.deepEqual([reply.status, reply.body.code], [401, code]);
          assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
          assert.ok(!reply.text.includes(tenant.key), 'the reply repeats the key');
        });
      }

      it('revoked: refused from the next request on', async () => {
        const made = await call('POST', '/v1/api-keys', { body: { name: 'Short', scopes: ['project:read'] } });
        const { key, id } = made.body;
        assert.equal((await call('GET', '/v1/me', { key })).status, 200);
        assert.equal((await call('DELETE', `/v1/api-keys/${id}`)).status, 204);
        const reply = await call('GET', '/v1/me', { key });
        assert.deepEqual([reply.status, reply.body.code], [401, 'key_revoked']);
      });

      it('expired: refused', async () => {
        const soon = new Date(Date.now() + 400).toISOString();
        const { body } = await call('POST', '/v1/api-keys', {
          body: { name: 'Short', scopes: ['project:read'], expires_at: soon },
        });
        await new Promise((resolve) => setTimeout(resolve, 600));
        const reply = await call('GET', '/v1/me', { key: body.key });
        assert.deepEqual([reply.status, reply.body.code], [401, 'key_expired']);
      });

      it('rotated: the new one may do the same, the old one ends', async () => {
        const made = await call('POST', '/v1/api-keys', { body: { name: 'Turned', scopes: ['usage:read'] } });
        const turned = await call('POST', `/v1/api-keys/${made.body.id}/rotate`, { body: {} });
        assert.equal(turned.status, 201);
        assert.deepEqual((await call('GET', '/v1/me', { key: turned.body.key })).body.key.scopes, ['usage:read']);
        assert.equal((await call('GET', '/v1/me', { key: made.body.key })).status, 401);
        assert.equal((await call('POST', `/v1/api-keys/${made.body.id}/rotate`, { body: {} })).status, 409);
      });

      it('is kept as a digest alone', async () => {
        const { body } = await call('POST', '/v1/api-keys', {
          body: { name: 'Secret', scopes: ['project:read'] },
          headers: { 'idempotency-key': 'secret-1' },
        });
        const { rows } = await platform().stack.database.withOrg(tenant.org, async (tx) => {
          const keys = await tx.query<{ all: string }>('SELECT k::text AS all FROM api_keys k');
          const replies = await tx.query<{ all: string }>('SELECT i::text AS all FROM idempotency_keys i');
          const audit = await tx.query<{ all: string }>('SELECT a::text AS all FROM audit_log a');
          return { rows: [...keys.rows, ...replies.rows, ...audit.rows] };
        });
        const text = rows.map(({ all }) => all).join('\n');
        assert.ok(!text.includes(body.key.slice(12)));
        assert.ok(text.includes(await sha256(body.key as string)));
      });
    });

    describe('with a body', () => {
      const bad: { name: string; options: CallOptions; status: number }[] = [
        {
          name: 'that is not JSON',
          options: { raw: '{"name":', headers: { 'content-type': 'application/json' } },
          status: 400,
        },
        {
          name: 'of another type',
          options: { raw: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
          status: 415,
        },
        { name: 'without a type', options: { raw: new TextEncoder().encode('{"name":"x"}') }, status: 415 },
        {
          name: 'of a type whose name only begins with that of JSON',
          options: { headers: { 'content-type': 'application/jsonx' } },
          status: 415,
        },
        { name: 'that is missing', options: {}, status: 400 },
        { name: 'with a field that there is not', options: { body: { name: 'x', slgu: 'x' } }, status: 400 },
        { name: 'with a NUL', options: { body: { name: 'x', description: 'a\0b' } }, status: 400 },
        {
          name: 'with half a surrogate pair',
          options: { raw: '{"name":"x","description":"\\ud800"}', headers: { 'content-type': 'application/json' } },
          status: 400,
        },
        { name: 'with a line break in a name', options: { body: { name: 'a\nb' } }, status: 400 },
        { name: 'with a path for a slug', options: { body: { name: 'x', slug: '../../etc' } }, status: 400 },
        { name: 'with a UUID for a slug', options: { body: { name: 'x', slug: crypto.randomUUID() } }, status: 400 },
        { name: 'with a name of 5,000 characters', options: { body: { name: 'x'.repeat(5000) } }, status: 400 },
        { name: 'that is an array', options: { body: [] }, status: 400 },
        {
          name: 'that is null',
          options: { raw: 'null', headers: { 'content-type': 'application/json' } },
          status: 400,
        },
        {
          name: 'deeper than any',
          options: { raw: '['.repeat(100_000), headers: { 'content-type': 'application/json' } },
          status: 400,
        },
        {
          name: 'deeper than any, and closed',
          options: {
            raw: `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
            headers: { 'content-type': 'application/json' },
          },
          status: 400,
        },
      ];
      for (const { name, options, status } of bad) {
        it(`${name}: ${status}`, async () => {
          const reply = await call('POST', '/v1/projects', options);
          assert.equal(reply.status, status, reply.text);
        });
      }

      it('that is text of any kind: kept as it is', async () => {
        const description = `'; DROP TABLE projects; -- 🦊 \u202e \${x} <script>`;
        const made = await call('POST', '/v1/projects', { body: { name: 'Robert’); 🦊', description } });
        assert.equal(made.status, 201);
        assert.equal(made.body.slug, 'robert');
        assert.equal((await call('GET', `/v1/projects/${made.body.id}`)).body.description, description);
      });

      it('that is too large: 413, and not read to its end', async () => {
        const reply = await call('POST', '/v1/projects', {
          raw: 'x'.repeat(1_100_000),
          headers: { 'content-type': 'application/json' },
        });
        assert.equal(reply.status, 413);
      });

      it('names each fault by where it is', async () => {
        const { body } = await call('POST', '/v1/projects', { body: { name: '', settings: { include: ['ok', ''] } } });
        assert.deepEqual(
          body.errors.map(({ path }: { path: string }) => path).filter((path: string) => path !== 'body.name'),
          ['body.settings.include.1'],
        );
      });
    });

    describe('with an address', () => {
      for (const path of [
        '/v1/projects/%00',
        '/v1/projects/%ff',
        '/v1/projects?cursor=%00',
        '/v1/projects/..%2f..%2fetc',
      ]) {
        it(`${path}: refused`, async () => {
          const { status } = await call('GET', path);
          assert.ok(status === 400 || status === 404, String(status));
        });
      }

      for (const host of ['a#', 'a?', 'é#', 'a/healthz#', 'a b', 'a@b']) {
        it(`and the host "${host}": refused, and by no other route`, async () => {
          const url = `${platform().address}/v1/me`;
          const status = await new Promise<number | undefined>((resolve, reject) => {
            const headers = { host, authorization: `Bearer ${tenant.key}` };
            const sent = httpRequest(url, { headers }, (response) => {
              response.resume();
              resolve(response.statusCode);
            });
            sent.on('error', reject);
            sent.end();
          });
          assert.equal(status, 400);
        });
      }

      it('of no route: 404; of a route by another method: 405', async () => {
        assert.equal((await call('GET', '/v1/nothing')).status, 404);
        const reply = await call('PUT', '/v1/projects');
        assert.equal(reply.status, 405);
        assert.equal(reply.headers.get('allow'), 'GET, POST');
      });
    });

    describe('for a list', () => {
      it('come page by page, each thing once', async () => {
        const other = await platform().found('pages');
        const names = Array.from({ length: 7 }, (_, i) => `page-${i}`);
        for (const name of names) await call('POST', '/v1/projects', { key: other.key, body: { name } });
        const seen: string[] = [];
        let cursor = '';
        for (let page = 0; page < 4; page++) {
          const { body } = await call('GET', `/v1/projects?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, {
            key: other.key,
          });
          seen.push(...body.projects.map(({ slug }: { slug: string }) => slug));
          cursor = body.next_cursor ?? '';
        }
        assert.deepEqual(seen, names);
        assert.equal(cursor, '');
      });

      for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=WyJrZXlzIiwieCJd', 'unknown=1']) {
        it(`with ${query}: 400`, async () => {
          assert.equal((await call('GET', `/v1/projects?${query}`)).status, 400);
        });
      }
    });

    describe('with an ETag', () => {
      it('are answered in a few bytes while nothing changes', async () => {
        const made = await call('POST', '/v1/projects', { body: { name: 'Tagged' } });
        const path = `/v1/projects/${made.body.id}`;
        const first = await call('GET', path);
        const etag = first.headers.get('etag')!;
        const again = await call('GET', path, { headers: { 'if-none-match': etag } });
        assert.deepEqual([again.status, again.text, again.headers.get('etag')], [304, '', etag]);
        await call('PATCH', path, { body: { description: 'new' } });
        assert.equal((await call('GET', path, { headers: { 'if-none-match': etag } })).status, 200);
        const late = await call('PATCH', path, { body: { description: 'late' }, headers: { 'if-match': etag } });
        assert.deepEqual([late.status, late.body.code], [412, 'precondition_failed']);
        const current = (await call('GET', path)).headers.get('etag')!;
        assert.equal(
          (await call('PATCH', path, { body: { description: 'on time' }, headers: { 'if-match': current } })).status,
          200,
        );
      });
    });

    describe('with an idempotency key', () => {
      const send = (key: string, body: unknown) =>
        call('POST', '/v1/projects', { body, headers: { 'idempotency-key': key } });

      it('are done once, and give the first reply again', async () => {
        const [first, second] = [await send('once', { name: 'Once' }), await send('once', { name: 'Once' })];
        assert.deepEqual([first.status, second.status], [201, 201]);
        assert.deepEqual(second.body, first.body);
        assert.equal(second.headers.get('idempotency-replayed'), 'true');
      });

      it('are done once when they come at the same time', async () => {
        const replies = await Promise.all(Array.from({ length: 6 }, () => send('rush', { name: 'Rush' })));
        const { body } = await call('GET', '/v1/projects?limit=100');
        assert.equal(body.projects.filter(({ name }: { name: string }) => name === 'Rush').length, 1);
        for (const { status } of replies) assert.ok(status === 201 || status === 409, String(status));
      });

      it('are refused for another request', async () => {
        await send('mine', { name: 'Mine' });
        assert.equal((await send('mine', { name: 'Other' })).status, 422);
      });

      it('give refusals again too, but not a key in clear', async () => {
        await send('taken', { name: 'Taken', slug: 'taken' });
        assert.equal((await send('taken-2', { name: 'Taken', slug: 'taken' })).status, 409);
        assert.equal((await send('taken-2', { name: 'Taken', slug: 'taken' })).status, 409);
        const options = { body: { name: 'k', scopes: ['project:read'] }, headers: { 'idempotency-key': 'key-once' } };
        assert.equal((await call('POST', '/v1/api-keys', options)).status, 201);
        const again = await call('POST', '/v1/api-keys', options);
        assert.deepEqual([again.status, again.body.code], [409, 'idempotency_conflict']);
      });

      it('are each caller’s own', async () => {
        const { body } = await call('POST', '/v1/api-keys', { body: { name: 'k', scopes: ['project:write'] } });
        await send('shared', { name: 'First' });
        const other = await call('POST', '/v1/projects', {
          key: body.key,
          body: { name: 'Second' },
          headers: { 'idempotency-key': 'shared' },
        });
        assert.deepEqual([other.status, other.body.name], [201, 'Second']);
      });
    });

    describe('of people', () => {
      const signIn = (token: string, more: object = {}) =>
        callApi(platform().address, 'POST', '/v1/auth/github', { body: { access_token: token, ...more } });

      it('give a key for the role that an invitation named, once the address is proved', async () => {
        const invited = await call('POST', '/v1/invitations', { body: { email: 'New@Example.com', role: 'member' } });
        assert.equal(invited.body.email, 'new@example.com');
        provider.accounts.set('token-new', { id: 7, emails: [verified('new@example.com')] });
        const session = await signIn('token-new', { device: 'Laptop' });
        assert.equal(session.status, 201, session.text);
        assert.equal(session.body.user.role, 'member');
        const { key } = session.body.key;
        const me = (await call('GET', '/v1/me', { key })).body;
        assert.deepEqual(me.key.scopes, ['project:read', 'project:write', 'usage:read']);
        assert.equal((await call('GET', '/v1/invitations')).body.invitations.length, 0);

        // A role that changes changes what the key may do at once.
        const id = session.body.user.id as string;
        await call('PATCH', `/v1/members/${id}`, { body: { role: 'admin' } });
        const admin = (await signIn('token-new')).body.key.key as string;
        assert.equal((await call('GET', '/v1/members', { key: admin })).status, 200);
        await call('PATCH', `/v1/members/${id}`, { body: { role: 'member' } });
        assert.equal((await call('GET', '/v1/members', { key: admin })).status, 403);

        // Whoever leaves has no key any more.
        assert.equal((await call('DELETE', `/v1/members/${id}`)).status, 204);
        assert.equal((await call('GET', '/v1/me', { key })).body.code, 'key_revoked');
        assert.deepEqual(
          [(await signIn('token-new')).status, (await signIn('token-new')).body.code],
          [403, 'no_organization'],
        );
      });

      it('are refused without a session, without a verified address, and for an address that is another account’s', async () => {
        assert.equal((await signIn('nobody')).status, 401);
        assert.equal((await signIn('no\nheader')).status, 401);
        provider.accounts.set('unverified', {
          id: 8,
          emails: [{ email: 'requests@example.com', verified: false, primary: true }],
        });
        assert.equal((await signIn('unverified')).body.code, 'identity_refused');
        provider.accounts.set('owner', { id: 9, emails: [verified('requests@example.com')] });
        assert.equal((await signIn('owner')).body.user.role, 'owner');
        provider.accounts.set('thief', { id: 10, emails: [verified('requests@example.com')] });
        assert.equal((await signIn('thief')).status, 403);
      });

      it('transfer an organization, which has one owner at any time', async () => {
        provider.accounts.set('owner-2', { id: 20, emails: [verified('transfer@example.com')] });
        provider.accounts.set('heir', { id: 21, emails: [verified('heir@example.com')] });
        const other = await platform().found('transfer');
        await call('POST', '/v1/invitations', { key: other.key, body: { email: 'heir@example.com', role: 'admin' } });
        const heir = (await signIn('heir')).body;
        const send = (key: string, userId: string) =>
          call('POST', '/v1/organization/transfer', { key, body: { user_id: userId } });
        assert.equal((await send(heir.key.key as string, heir.user.id as string)).body.code, 'role_missing');
        assert.equal((await call('DELETE', `/v1/members/${other.ownerId}`, { key: other.key })).status, 409);
        assert.equal((await send(other.key, heir.user.id as string)).body.role, 'owner');
        const { members } = (await call('GET', '/v1/members', { key: heir.key.key as string })).body;
        assert.deepEqual(members.map(({ role }: { role: string }) => role).sort(), ['admin', 'owner']);
        assert.equal((await send(other.key, other.ownerId)).status, 403);
      });
    });

    describe('that come too often', () => {
      it('are refused with the time to wait, by organization and by key; a new plan acts at once', async () => {
        const free = await platform().found('free', { plan: 'free' });
        const statuses: number[] = [];
        for (let i = 0; i < 21; i++) statuses.push((await call('GET', '/v1/me', { key: free.key })).status);
        assert.deepEqual(statuses, [...Array<number>(20).fill(200), 429]);
        const refused = await call('GET', '/v1/me', { key: free.key });
        assert.equal(refused.body.code, 'rate_limited');
        assert.equal(refused.headers.get('x-ratelimit-limit'), '20');
        assert.equal(refused.headers.get('x-ratelimit-remaining'), '0');
        const wait = Number(refused.headers.get('retry-after'));
        assert.ok(wait > 0 && wait <= 60, String(wait));

        await changePlan(platform().stack.database, free.org, {
          plan: 'pro',
          requestsPerMinute: null,
          queriesPerMonth: null,
        });
        assert.equal((await call('GET', '/v1/me', { key: free.key })).status, 200);

        const { body } = await call('POST', '/v1/api-keys', {
          key: free.key,
          body: { name: 'Slow', scopes: ['project:read'], requests_per_minute: 2 },
        });
        const slow: number[] = [];
        for (let i = 0; i < 3; i++) slow.push((await call('GET', '/v1/me', { key: body.key })).status);
        assert.deepEqual(slow, [200, 200, 429]);
        assert.equal((await call('GET', '/v1/me', { key: free.key })).status, 200);
      });
    });

    describe('from anybody', () => {
      it('are told that the program runs and is ready', async () => {
        assert.equal((await callApi(platform().address, 'GET', '/healthz')).body.status, 'ok');
        const { status, body } = await callApi(platform().address, 'GET', '/readyz');
        assert.deepEqual([status, body.checks.database], [200, 'ok']);
      });

      it('get the document, and a page of it that loads nothing from elsewhere', async () => {
        const document = await callApi(platform().address, 'GET', '/openapi.json');
        assert.equal(document.body.openapi, '3.1.0');
        const { text } = await callApi(platform().address, 'GET', '/docs');
        assert.match(text, /POST<\/span> <code>\/v1\/projects</);
        assert.ok(!/<script|<link|<img|url\(|src=/i.test(text));
      });

      it('get measures with few labels', async () => {
        const { text } = await callApi(platform().address, 'GET', '/metrics');
        assert.match(text, /^api_requests_total\{endpoint="GET \/v1\/me",status="200"\} \d+$/m);
        assert.match(text, /^active_organizations [1-9]/m);
        const endpoints = new Set([...text.matchAll(/endpoint="([^"]*)"/g)].map(([, endpoint]) => endpoint));
        for (const endpoint of endpoints) assert.match(endpoint!, /^[A-Z]+ (unmatched|\/[a-z0-9/{}:_.-]*)$/);
      });
    });

    /** As it comes over the line; pieces of a body are sent without saying how many there will be. */
    const send = (
      method: string,
      path: string,
      headers: Record<string, string> = {},
      pieces: readonly string[] = [],
    ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> =>
      new Promise((resolve, reject) => {
        const url = new URL(path, platform().address);
        const sent = httpRequest(url, { method, headers }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
          );
        });
        sent.on('error', reject);
        for (const piece of pieces) sent.write(piece);
        sent.end();
      });

    for (const [path, accepted, expected] of [
      ['/openapi.json', 'gzip', 'gzip'],
      ['/openapi.json', 'br, gzip;q=0.5', 'gzip'],
      ['/openapi.json', 'deflate', 'deflate'],
      ['/openapi.json', 'gzip;q=0', undefined],
      ['/openapi.json', undefined, undefined],
      ['/docs', 'gzip', 'gzip'],
      ['/docs', undefined, undefined],
      ['/healthz', 'gzip', undefined],
    ] as const)
      it(`for ${path}, taking ${accepted ?? 'what comes'}: ${expected ?? 'as they are'}`, async () => {
        const { headers, body } = await send(
          'GET',
          path,
          accepted === undefined ? {} : { 'accept-encoding': accepted },
        );
        assert.deepEqual([headers['content-encoding'], headers['vary']], [expected, 'Accept-Encoding']);
        const unpacked = expected === 'gzip' ? gunzipSync(body) : expected === 'deflate' ? inflateSync(body) : body;
        assert.match(unpacked.toString(), path === '/docs' ? /^<!doctype html>[^]*<\/html>\s*$/i : /^\{[^]*\}$/);
      });

    it('with a body whose length is not said are read, up to the limit', async () => {
      const headers = { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json' };
      const made = await send('POST', '/v1/projects', headers, ['{"name": "In ', 'pieces"}']);
      assert.equal(made.status, 201);
      const large = await send('POST', '/v1/projects', headers, ['{"name": "', 'x'.repeat(1_100_000), '"}']);
      assert.equal(large.status, 413);
    });

    it('leave an id, and no key, question or body in the log', async () => {
      const marker = 'never-in-the-log';
      const reply = await call('POST', '/v1/projects', { body: { name: marker } });
      const line = platform().log.find(({ fields }) => fields['request_id'] === reply.headers.get('x-request-id'));
      assert.deepEqual([line?.event, line?.fields['org'], line?.fields['status']], ['request', tenant.org, 201]);
      const text = JSON.stringify(platform().log);
      assert.ok(!text.includes(marker) && !text.includes(tenant.key.slice(8)));
    });
  },
  { GITHUB_API_URL: provider.url, MAX_BODY_MB: '1' },
);
