import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeWorkspace, runUnprivileged, sample, type Workspace } from './workspace.ts';

const json = <T>(text: string): T => JSON.parse(text) as T;

interface Answer {
  context: string;
  chunks: { id: string; path: string; startLine: number; endLine: number }[];
  metadata: { packId: string; tokensUsed: number; held: number; renewed: number };
}

const itOnPosix = process.platform === 'win32' ? () => undefined : it;

describe('contextkit map and pack', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  beforeEach(() => (workspace = makeWorkspace(sample)));
  afterEach(() => workspace.remove());

  const select = (...args: string[]): Answer => {
    const { code, out, err } = workspace.run('select', ...args, '--json');
    assert.equal(code, 0, err);
    return json(out);
  };

  it('maps the whole without a query, and without its tests', () => {
    const { code, out, err } = workspace.run('map');
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^### src\/router\.ts\n```\n2 class Router\n4 {3}matchRoute\(requestPath: string\): string\n```$/m,
    );
    assert.match(out, /^1 function invalidateCache\(key: string\): void$/m);
    assert.doesNotMatch(out, /router\.test/);
    assert.equal(workspace.run('select', '--mode', 'map').out, out);
  });

  it('maps what is nearest to a query first', () => {
    assert.match(workspace.run('map', 'invalidate the cache').out, /^### src\/cache\.ts/);
    assert.match(workspace.run('map', 'tests of the router', '--format', 'plain').code === 0 ? 'ok' : '', /ok/);
  });

  it('says that there is nothing to map', () => {
    const empty = makeWorkspace();
    const { code, err } = empty.run('map');
    assert.equal(code, 1);
    assert.match(err, /no code to map/);
    empty.remove();
  });

  it('names what is left out of the pack and gives the same id for the same content', () => {
    const first = select('request path', '--format', 'markdown');
    const again = select('request path', '--format', 'xml');
    assert.match(first.metadata.packId, /^[0-9a-f]{16}$/);
    assert.equal(again.metadata.packId, first.metadata.packId);
  });

  it('compares two packs by id, by the beginning of one, and from files', () => {
    const one = select('request path', '--sources', 'src/router.ts');
    const two = select('invalidateCache', '--sources', 'src/cache.ts');
    const ids = [one.metadata.packId, two.metadata.packId.slice(0, 8)];
    const shown = workspace.run('pack', 'diff', ...ids);
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, /^- src\/router\.ts:1-7$/m);
    assert.match(shown.out, /^\+ src\/cache\.ts:1-3$/m);
    assert.match(shown.out, /^1 removed, 0 changed, 0 moved, 1 added, 0 the same$/m);
    workspace.write('a.md', one.context);
    workspace.write('b.json', workspace.run('select', 'request path', '--sources', 'src/router.ts', '--json').out);
    const same = json<{ same: number; added: unknown[] }>(
      workspace.run('pack', 'diff', 'a.md', 'b.json', '--json').out,
    );
    assert.deepEqual([same.same, same.added], [1, []]);
  });

  it('shows what changed between two packs', () => {
    const before = select('request path', '--sources', 'src/router.ts').metadata.packId;
    workspace.write(
      'src/router.ts',
      sample['src/router.ts'].replace('return requestPath', 'return requestPath.trim()'),
    );
    const after = select('request path', '--sources', 'src/router.ts').metadata.packId;
    assert.match(
      workspace.run('pack', 'diff', before, after).out,
      /^~ src\/router\.ts:1-7 {2}was src\/router\.ts:1-7$/m,
    );
  });

  it('lists and shows packs, and forgets sessions', () => {
    const { packId } = select('request path', '--session', 'chat').metadata;
    const { out } = workspace.run('pack', 'list');
    assert.match(out, new RegExp(`^${packId} `, 'm'));
    assert.match(out, /^chat {2}.* part/m);
    assert.match(workspace.run('pack', 'show', packId).out, /^ {2}src\/router\.ts:1-7$/m);
    assert.equal(workspace.run('pack', 'forget', 'chat').code, 0);
    assert.equal(workspace.run('pack', 'forget', 'chat').code, 1);
  });

  it('brings only what is new, and says so', () => {
    const first = select('request path', '--session', 'chat', '--sources', 'src');
    assert.ok(first.chunks.length > 0);
    const second = workspace.run('select', 'request path', '--session', 'chat', '--sources', 'src/router.ts');
    assert.equal(second.code, 1);
    assert.match(second.out, /In the conversation already, unchanged: src\/router\.ts:1-7/);
    assert.match(second.err, /Nothing is new/);
    const have = first.chunks.map(({ id }) => id).join(',');
    assert.equal(workspace.run('select', 'request path', '--have', have, '--sources', 'src/router.ts').code, 1);
    workspace.write(
      'src/router.ts',
      sample['src/router.ts'].replace('return requestPath', 'return requestPath.trim()'),
    );
    const third = select('request path', '--session', 'chat', '--sources', 'src/router.ts');
    assert.equal(third.metadata.renewed, 1);
    assert.match(third.context, /requestPath\.trim\(\)/);
  });

  const faults: [args: string[], code: number, message: RegExp][] = [
    [['select', 'x', '--have', 'no-id'], 2, /neither the id of a pack nor of a range[\s\S]*hint: /],
    [['select', 'x', '--have', 'abcdef0123'], 1, /no pack with the id abcdef0123 is remembered[\s\S]*hint: /],
    [['select', 'x', '--session', '../x'], 2, /cannot be the name of a session/],
    [['pack', 'diff', 'abcd'], 2, /contextkit pack diff A B/],
    [['pack', 'diff', 'abcd', 'ef01'], 1, /no pack with the id abcd/],
    [['pack', 'diff', 'src', 'src'], 2, /src is not a file/],
    [['pack', 'diff', 'src/cache.ts', 'src/cache.ts'], 2, /src\/cache\.ts holds no pack/],
    [['pack', 'burn'], 2, /cannot "burn"[\s\S]*diff, list, show, forget/],
    [['pack', 'show', 'xyz'], 2, /is not the id of a pack/],
    [['map', '--budget', '3'], 2, /500 to 100000/],
  ];
  for (const [args, code, message] of faults) {
    it(`${args.join(' ')} → ${code}`, () => {
      workspace.run('index');
      const ran = workspace.run(...args);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, message);
    });
  }

  it('keeps the last packs only, and leaves no temporary files', () => {
    workspace.run('index');
    const folder = path.join(workspace.root, '.contextkit/packs');
    select('request path');
    for (let i = 0; i < 230; i++) writeFileSync(path.join(folder, `${i.toString(16).padStart(16, '0')}.json`), '{}');
    const { packId } = select('invalidate cache').metadata;
    const names = readdirSync(folder);
    assert.ok(names.length <= 200, String(names.length));
    assert.ok(names.includes(`${packId}.json`));
    assert.ok(names.every((name) => name.endsWith('.json')));
  });

  itOnPosix('answers a reader who may not write, without remembering', () => {
    workspace.run('index');
    chmodSync(workspace.root, 0o755);
    chmodSync(path.join(workspace.root, '.contextkit'), 0o755);
    const ran = runUnprivileged(workspace.root, 'select', 'request path', '--session', 'chat', '--no-index');
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.out, /matchRoute/);
    assert.ok(!existsSync(path.join(workspace.root, '.contextkit/packs')));
    assert.ok(!existsSync(path.join(workspace.root, '.contextkit/sessions')));
  });

  it('answers as before when what is remembered was deleted', () => {
    select('request path', '--session', 'chat');
    rmSync(path.join(workspace.root, '.contextkit/packs'), { recursive: true });
    rmSync(path.join(workspace.root, '.contextkit/sessions'), { recursive: true });
    assert.ok(select('request path', '--session', 'chat').chunks.length > 0);
  });
});
