import assert from 'node:assert/strict';
import { partPath } from '../../../cloud/domain/snapshots/snapshotRows.ts';
import { apiDocument } from '../../../cloud/node/apiDocument.ts';
import { scopes, type Scope } from '../../../protocol/api/index.ts';
import { callApi, type ApiReply } from '../callApi.ts';
import { onEachStack, type Tenant, type TestPlatform } from '../stacks.ts';

/** Things of one organization that requests name. */
interface Things {
  projectId: string;
  projectSlug: string;
  keyId: string;
  memberId: string;
  invitationId: string;
  /** Of the index; it waits. */
  jobId: string;
  /** That is ready. */
  snapshotId: string;
}

interface Operation {
  name: string;
  /** What a key must be good for; null: any key will do. */
  scope: Scope | null;
  /** Of a request that may be made and names things of its own organization. */
  own: number;
  /** Of a request that names things of another one; undefined where it names nothing. */
  other?: number;
  call: (of: Things) => { method: string; path: string; body?: unknown };
  /** A key for other projects of the organization is refused. */
  of?: 'project' | 'organization';
}

let count = 0;
const unique = (): string => `made-${++count}`;

const operations: Operation[] = [
  { name: 'who am I', scope: null, own: 200, call: () => ({ method: 'GET', path: '/v1/me' }) },
  { name: 'read the organization', scope: null, own: 200, call: () => ({ method: 'GET', path: '/v1/organization' }) },
  {
    name: 'rename the organization',
    scope: 'org:admin',
    own: 200,
    call: () => ({ method: 'PATCH', path: '/v1/organization', body: { name: 'Renamed' } }),
  },
  { name: 'read usage', scope: 'usage:read', own: 200, call: () => ({ method: 'GET', path: '/v1/usage' }) },
  { name: 'read the audit log', scope: 'org:admin', own: 200, call: () => ({ method: 'GET', path: '/v1/audit-log' }) },
  { name: 'list projects', scope: 'project:read', own: 200, call: () => ({ method: 'GET', path: '/v1/projects' }) },
  {
    name: 'create a project',
    scope: 'project:write',
    own: 201,
    of: 'organization',
    call: () => ({ method: 'POST', path: '/v1/projects', body: { name: unique() } }),
  },
  {
    name: 'read a project by id',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'GET', path: `/v1/projects/${projectId}` }),
  },
  {
    name: 'read a project by slug',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectSlug }) => ({ method: 'GET', path: `/v1/projects/${projectSlug}` }),
  },
  {
    name: 'change a project',
    scope: 'project:write',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'PATCH', path: `/v1/projects/${projectId}`, body: { name: 'changed' } }),
  },
  { name: 'list keys', scope: 'org:admin', own: 200, call: () => ({ method: 'GET', path: '/v1/api-keys' }) },
  {
    name: 'create a key',
    scope: 'org:admin',
    own: 201,
    call: () => ({ method: 'POST', path: '/v1/api-keys', body: { name: 'k', scopes: ['project:read'] } }),
  },
  {
    name: 'create a key for a project',
    scope: 'org:admin',
    own: 201,
    other: 404,
    call: ({ projectId }) => ({
      method: 'POST',
      path: '/v1/api-keys',
      body: { name: 'k', scopes: ['project:read'], project_ids: [projectId] },
    }),
  },
  {
    name: 'read a key',
    scope: 'org:admin',
    own: 200,
    other: 404,
    call: ({ keyId }) => ({ method: 'GET', path: `/v1/api-keys/${keyId}` }),
  },
  {
    name: 'rotate a key',
    scope: 'org:admin',
    own: 201,
    other: 404,
    call: ({ keyId }) => ({ method: 'POST', path: `/v1/api-keys/${keyId}/rotate`, body: { grace_seconds: 600 } }),
  },
  { name: 'list members', scope: 'org:admin', own: 200, call: () => ({ method: 'GET', path: '/v1/members' }) },
  {
    name: 'change a role',
    scope: 'org:admin',
    own: 200,
    other: 404,
    call: ({ memberId }) => ({ method: 'PATCH', path: `/v1/members/${memberId}`, body: { role: 'admin' } }),
  },
  { name: 'list invitations', scope: 'org:admin', own: 200, call: () => ({ method: 'GET', path: '/v1/invitations' }) },
  {
    name: 'invite somebody',
    scope: 'org:admin',
    own: 201,
    call: () => ({ method: 'POST', path: '/v1/invitations', body: { email: `${unique()}@example.com` } }),
  },
  {
    name: 'transfer the organization',
    // Keys without a person are never the owner.
    scope: 'org:admin',
    own: 403,
    other: 403,
    call: ({ memberId }) => ({ method: 'POST', path: '/v1/organization/transfer', body: { user_id: memberId } }),
  },
  {
    name: 'withdraw an invitation',
    scope: 'org:admin',
    own: 204,
    other: 404,
    call: ({ invitationId }) => ({ method: 'DELETE', path: `/v1/invitations/${invitationId}` }),
  },
  {
    name: 'remove a member',
    scope: 'org:admin',
    own: 204,
    other: 404,
    call: ({ memberId }) => ({ method: 'DELETE', path: `/v1/members/${memberId}` }),
  },
  {
    name: 'revoke a key',
    scope: 'org:admin',
    own: 204,
    other: 404,
    call: ({ keyId }) => ({ method: 'DELETE', path: `/v1/api-keys/${keyId}` }),
  },
  {
    name: 'sync',
    scope: 'project:write',
    own: 202,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({
      method: 'POST',
      path: '/v1/index/sync',
      body: { project_id: projectId, files: [{ path: 'b.txt', content: 'b' }] },
    }),
  },
  {
    name: 'ask for the difference',
    scope: 'project:write',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectSlug }) => ({
      method: 'POST',
      path: '/v1/index/diff',
      body: { project_id: projectSlug, manifest: [] },
    }),
  },
  {
    name: 'send contents',
    scope: 'project:write',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'POST', path: '/v1/index/contents', body: { project_id: projectId } }),
  },
  {
    name: 'read a job',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ jobId }) => ({ method: 'GET', path: `/v1/index/status/${jobId}` }),
  },
  {
    name: 'cancel a job',
    scope: 'project:write',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ jobId }) => ({ method: 'DELETE', path: `/v1/index/jobs/${jobId}` }),
  },
  {
    name: 'list snapshots',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'GET', path: `/v1/snapshots?project_id=${projectId}` }),
  },
  {
    name: 'read a snapshot',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ snapshotId }) => ({ method: 'GET', path: `/v1/snapshots/${snapshotId}` }),
  },
  {
    name: 'download a snapshot',
    scope: 'project:read',
    own: 200,
    other: 404,
    of: 'project',
    call: ({ snapshotId }) => ({ method: 'GET', path: `/v1/snapshots/${snapshotId}/download` }),
  },
  {
    name: 'delete a snapshot',
    scope: 'project:write',
    own: 204,
    other: 404,
    of: 'project',
    call: ({ snapshotId }) => ({ method: 'DELETE', path: `/v1/snapshots/${snapshotId}` }),
  },
  // Nothing is indexed, since nobody works: what may be asked is refused for that reason alone.
  {
    name: 'create a snapshot',
    scope: 'project:write',
    own: 404,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'POST', path: '/v1/snapshots', body: { project_id: projectId } }),
  },
  {
    name: 'select context',
    scope: 'project:read',
    own: 404,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({
      method: 'POST',
      path: '/v1/context/select',
      body: { project_id: projectId, query: 'anything' },
    }),
  },
  {
    name: 'search symbols',
    scope: 'project:read',
    own: 404,
    other: 404,
    of: 'project',
    call: ({ projectSlug }) => ({ method: 'GET', path: `/v1/symbols/search?project_id=${projectSlug}&query=a` }),
  },
  {
    name: 'ask for calls',
    scope: 'project:read',
    own: 404,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'GET', path: `/v1/graph/calls?project_id=${projectId}&symbol=a` }),
  },
  {
    name: 'delete a project',
    scope: 'project:write',
    own: 204,
    other: 404,
    of: 'project',
    call: ({ projectId }) => ({ method: 'DELETE', path: `/v1/projects/${projectId}` }),
  },
];

/** What each scope is good for. */
const includes: Record<Scope, readonly Scope[]> = {
  'project:read': ['project:read'],
  'project:write': ['project:read', 'project:write'],
  'usage:read': ['usage:read'],
  'org:admin': scopes,
};

const marker = 'secret-of-theirs';

async function addMember({ stack }: TestPlatform, { org }: Tenant, email: string): Promise<string> {
  const [user] = await stack.database.callGate<{ id: string }>('ensure_user', [email]);
  await stack.database.withOrg(org, (tx) =>
    tx.query(`INSERT INTO org_members (org_id, user_id, role) VALUES ($1, $2, 'member')`, [org, user!.id]),
  );
  return user!.id;
}

/** One that is ready, of a revision that there never was. */
async function addSnapshot({ stack }: TestPlatform, { org }: Tenant, projectId: string, name: string): Promise<string> {
  const content = Buffer.from(name);
  const id = crypto.randomUUID();
  await stack.blobs.put(org, partPath(projectId, id, 'made', 0), content);
  await stack.database.withOrg(org, (tx) =>
    tx.query(
      `INSERT INTO snapshots (id, org_id, project_id, branch, revision, root_hash, analysis_version, files, chunks, job_id,
         folder, parts, bytes, digest, ready_at)
       VALUES ($1, $2, $3, $4, 1, '', '', 0, 0, $1, 'made', ARRAY[$5::integer], $5, 'digest', now())`,
      [id, org, projectId, name, content.length],
    ),
  );
  return id;
}

async function makeThings(platform: TestPlatform, tenant: Tenant, name: string): Promise<Things> {
  const post = async (path: string, body: unknown, expected = 201): Promise<{ id: string; job_id?: string }> => {
    const reply = await callApi(platform.address, 'POST', path, { key: tenant.key, body });
    assert.equal(reply.status, expected, reply.text);
    return reply.body as { id: string; job_id?: string };
  };
  const slug = unique();
  const project = await post('/v1/projects', { name, slug, description: name });
  const key = await post('/v1/api-keys', { name, scopes: ['project:read'] });
  const invitation = await post('/v1/invitations', { email: `${name}-${slug}@example.com` });
  const memberId = await addMember(platform, tenant, `${name}-member-${slug}@example.com`);
  const file = { path: `${name}.txt`, content: name };
  const job = await post('/v1/index/sync', { project_id: project.id, files: [file] }, 202);
  return {
    projectId: project.id,
    projectSlug: slug,
    keyId: key.id,
    invitationId: invitation.id,
    memberId,
    jobId: job.job_id!,
    snapshotId: await addSnapshot(platform, tenant, project.id, name),
  };
}

async function keyWith(
  platform: TestPlatform,
  tenant: Tenant,
  content: { scopes: Scope[]; project_ids?: string[] },
): Promise<string> {
  const body = { name: 'Test', ...content };
  const reply = await callApi(platform.address, 'POST', '/v1/api-keys', { key: tenant.key, body });
  assert.equal(reply.status, 201, reply.text);
  return reply.body.key as string;
}

// Jobs wait where nobody works: what becomes of them is up to requests alone.
onEachStack(
  'Isolation',
  (platform) => {
    let ours: Tenant;
    let theirs: Tenant;

    before(async () => {
      ours = await platform().found('ours');
      theirs = await platform().found('theirs');
    });

    for (const operation of operations) {
      const call = async (key: string | undefined, of: Things): Promise<ApiReply> => {
        const { method, path, body } = operation.call(of);
        return callApi(platform().address, method, path, { key, ...(body === undefined ? {} : { body }) });
      };
      const expected = (scope: Scope, status: number): number =>
        operation.scope === null || includes[scope].includes(operation.scope) ? status : 403;

      it(`${operation.name}: own, by each scope and without a key`, async () => {
        for (const scope of scopes) {
          const things = await makeThings(platform(), ours, 'ours');
          const { status, text } = await call(await keyWith(platform(), ours, { scopes: [scope] }), things);
          assert.equal(status, expected(scope, operation.own), `${scope}: ${text}`);
        }
        assert.equal((await call(undefined, await makeThings(platform(), ours, 'ours'))).status, 401);
      });

      const other = operation.other;
      if (other !== undefined) {
        it(`${operation.name}: things of another organization, by each scope`, async () => {
          const things = await makeThings(platform(), theirs, marker);
          for (const scope of scopes) {
            const { status, text } = await call(await keyWith(platform(), ours, { scopes: [scope] }), things);
            assert.equal(status, expected(scope, other), `${scope}: ${text}`);
            assert.ok(!text.includes(marker), 'the reply holds what belongs to the other organization');
          }
          const read = (path: string): Promise<ApiReply> =>
            callApi(platform().address, 'GET', path, { key: theirs.key });
          assert.equal((await read(`/v1/projects/${things.projectId}`)).body.name, marker, 'theirs was changed');
          assert.equal((await read(`/v1/api-keys/${things.keyId}`)).body.revoked_at, null, 'their key was ended');
          assert.equal((await read(`/v1/index/status/${things.jobId}`)).body.status, 'queued', 'their job was ended');
          assert.equal(
            (await read(`/v1/snapshots/${things.snapshotId}/download`)).text,
            marker,
            'their snapshot is gone',
          );
          const { text } = await read('/v1/members?limit=100');
          assert.ok(text.includes(`"user_id":"${things.memberId}"`), 'their member is gone');
        });
      }

      if (operation.of !== undefined) {
        it(`${operation.name}: by a key for another project`, async () => {
          const things = await makeThings(platform(), ours, 'ours');
          const elsewhere = await makeThings(platform(), ours, 'ours');
          const key = await keyWith(platform(), ours, {
            scopes: ['project:write'],
            project_ids: [elsewhere.projectId],
          });
          assert.equal((await call(key, things)).status, 403);
          if (operation.of === 'project') assert.equal((await call(key, elsewhere)).status, operation.own);
        });
      }
    }

    it('lists hold what belongs to the organization alone', async () => {
      await makeThings(platform(), theirs, marker);
      const key = await keyWith(platform(), ours, { scopes: ['org:admin'] });
      for (const path of ['/v1/projects', '/v1/api-keys', '/v1/members', '/v1/invitations', '/v1/audit-log']) {
        let cursor: string | null = '';
        while (cursor !== null) {
          const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
          const reply = await callApi(platform().address, 'GET', `${path}?limit=100${query}`, { key });
          assert.equal(reply.status, 200, reply.text);
          assert.ok(!reply.text.includes(marker), path);
          cursor = reply.body.next_cursor as string | null;
        }
      }
    });
  },
  { INDEX_WORKERS: '0' },
);

describe('The table of isolation', () => {
  it('knows every operation of the API that needs a key', () => {
    const paths = JSON.parse(JSON.stringify(apiDocument('0.0.0').paths)) as Record<
      string,
      Record<string, { security: unknown[] }>
    >;
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { security }]) =>
        security.length === 0 ? [] : [`${method.toUpperCase()} ${path}`],
      ),
    );
    const names: Things = {
      projectId: '{project}',
      projectSlug: '{project}',
      keyId: '{id}',
      memberId: '{user_id}',
      invitationId: '{id}',
      jobId: '{job_id}',
      snapshotId: '{snapshot_id}',
    };
    const tested = new Set(
      operations.map(({ call }) => `${call(names).method} ${call(names).path.replace(/\?.*/, '')}`),
    );
    assert.ok(documented.length > 15, 'the document was not read');
    assert.deepEqual(
      documented.filter((each) => !tested.has(each)),
      [],
    );
  });
});
