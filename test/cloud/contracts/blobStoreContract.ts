import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobStoreError, type BlobStore } from '../../../cloud/ports/blobStore.ts';
import { orgId, type OrgId } from '../../../cloud/ports/organization.ts';
import type { FaultyNetwork } from '../servers/faultyNetwork.ts';

export interface BlobBackend {
  store: BlobStore;
  /** A store on another machine: the line to it, and one more that soon loses its patience. */
  remote?: { network: FaultyNetwork; hasty: BlobStore };
  close(): Promise<void>;
}

export interface BlobContractOptions {
  hasLinks: boolean;
  isRemote: boolean;
  /** Services on file systems refuse a blob below the path of another: nobody may rely on it. */
  hasBlobsBelowBlobs: boolean;
  start: () => Promise<BlobBackend>;
}

const newOrg = (): OrgId => orgId(randomUUID());
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Paths that are none. */
const hostilePaths = [
  ...['', '/', '//', '/a', 'a/', 'a//b', '.', '..', './a', '../a', 'a/..', 'a/../b', 'a/./b', '../../etc/passwd'],
  ...[
    'a\\b',
    '..\\a',
    'C:/a',
    'C:\\a',
    'a:b',
    '\\\\host\\share',
    'a\0',
    '\0',
    'a\nb',
    'a\r\nHost: x',
    ' ',
    'a b',
    'a ',
  ],
  ...[
    '%2e%2e/a',
    'a%2fb',
    'a?b',
    'a#b',
    'a&b=c',
    'a+b',
    'a=b',
    "a'b",
    'a"b',
    'a<b>',
    'a*',
    'a|b',
    'a;b',
    '~',
    '$HOME',
    '`id`',
  ],
  ...['ä', 'é', 'ａ', '🎉', '日本', 'a\u200bb', 'a\u202eb', '\ud800'],
  ...['a'.repeat(121), `${'a/'.repeat(500)}a`, 'a'.repeat(4_096)],
];

/** Paths that are, though some system or other thinks otherwise. */
const oddPaths = [
  ...['con', 'CON', 'nul.txt', 'aux.tar.gz', 'COM1', 'lpt9.log', 'prn/con/nul', 'com0', 'console', 'conin'],
  ...[
    'a.',
    'a..',
    'b./b',
    '...',
    '..../...',
    '.hidden',
    '-rf',
    '--',
    '_',
    '.a.',
    'x.blob',
    'y.blob/y',
    'x.BLOB',
    'tmp',
    'orgs',
  ],
  ...[
    'readme.md',
    'README.md',
    'Readme.md',
    'readme.MD',
    'README.MD',
    'a/B',
    'A/b',
    'aA',
    'Aa',
    'index.db',
    '0',
    'node_modules/a',
  ],
  ...['A'.repeat(120), 'aB'.repeat(60), `${'d/'.repeat(100)}e`, `${'Ab'.repeat(60)}/${'bA'.repeat(60)}`],
];

/** What holds for every blob store. */
export function blobStoreContract(
  name: string,
  { hasLinks, isRemote, hasBlobsBelowBlobs, start }: BlobContractOptions,
): void {
  describe(`A blob store: ${name}`, function () {
    this.timeout(30_000);
    let backend: BlobBackend;
    let store: BlobStore;
    let org: OrgId;

    before(async () => {
      backend = await start();
      store = backend.store;
    });
    beforeEach(() => (org = newOrg()));
    afterEach(() => store.deleteFolder(org, ''));
    after(() => backend?.close());

    const put = async (...paths: string[]): Promise<void> => {
      for (const path of paths) await store.put(org, path, bytesOf(`content of ${path}`));
    };
    const listed = async (prefix: string, of = org): Promise<string[]> =>
      (await store.list(of, prefix)).blobs.map(({ path }) => path);

    it('gives back what was put, byte by byte', async () => {
      const contents = [
        new Uint8Array(),
        Uint8Array.from({ length: 256 }, (_, i) => i),
        bytesOf('äöü 🎉\r\n'),
        Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) % 256),
      ];
      for (const content of contents) {
        await store.put(org, 'projects/p/index.db', content);
        const got = await store.get(org, 'projects/p/index.db');
        assert.ok(got instanceof Uint8Array && !Buffer.isBuffer(got));
        assert.equal(sha256(got), sha256(content));
        assert.deepEqual(await store.head(org, 'projects/p/index.db'), {
          path: 'projects/p/index.db',
          bytes: content.length,
        });
      }
    });

    it('takes a part of a larger array for that part', async () => {
      await store.put(org, 'part', new Uint8Array(bytesOf('0123456789').buffer, 3, 4));
      assert.equal(textOf(await store.get(org, 'part')), '3456');
    });

    it('knows nothing of what is not there', async () => {
      await put('a/b');
      for (const path of ['x', 'a', 'a/b/c', 'a/x', 'x/y/z']) {
        assert.equal(await store.get(org, path), undefined, path);
        assert.equal(await store.head(org, path), undefined, path);
      }
      assert.deepEqual(await store.list(org, 'x'), { blobs: [], next: null });
      await store.delete(org, ['x', 'a', 'a/b/c', 'x/y/z']);
      assert.equal(await store.deleteFolder(org, 'x/'), 0);
      assert.equal(await store.deleteFolder(org, 'a/b/'), 0);
      assert.deepEqual(await listed(''), ['a/b']);
    });

    it('lists in the order of paths, by prefix', async () => {
      const paths = ['B', 'a-b', 'a.b', 'a0', 'a/b.c', 'a/b/c', 'a/b-c/d', 'a/B', '_', 'ab'];
      await put(...paths);
      const sorted = [...paths].sort();
      assert.deepEqual(await listed(''), sorted);
      for (const prefix of ['a', 'a/', 'a/b', 'a/b/', 'a/b/c', 'B', 'a.', 'zz', 'a/b/c/'])
        assert.deepEqual(
          await listed(prefix),
          sorted.filter((path) => path.startsWith(prefix)),
          prefix,
        );
      const { blobs } = await store.list(org, 'a/b/');
      assert.deepEqual(blobs, [{ path: 'a/b/c', bytes: 'content of a/b/c'.length }]);
    });

    it('lists page by page: each blob once, whatever the size of the page', async () => {
      const paths = ['a-b/x', 'a/1', 'a/2/x', 'a/2/y', 'a/3', 'a0', 'b/1', 'b/2', 'c'];
      await put(...paths);
      for (const [prefix, limit] of [
        ['', 1],
        ['', 3],
        ['', 9],
        ['', 10],
        ['a/', 2],
        ['a', 3],
      ] as const) {
        const seen: string[] = [];
        let next: string | null = '';
        for (let pages = 0; next !== null; pages++) {
          assert.ok(pages <= paths.length);
          const page = await store.list(org, prefix, { limit, ...(next === '' ? {} : { after: next }) });
          assert.ok(page.blobs.length <= limit);
          if (page.next !== null) assert.equal(page.blobs.length, limit);
          seen.push(...page.blobs.map(({ path }) => path));
          next = page.next;
        }
        assert.deepEqual(
          seen,
          paths.filter((path) => path.startsWith(prefix)),
        );
      }
    });

    it('goes on behind a page whose last blob is gone by then', async () => {
      await put('a', 'b', 'c', 'd');
      const { next } = await store.list(org, '', { limit: 2 });
      await store.delete(org, ['a', 'b']);
      const rest = await store.list(org, '', { after: next! });
      assert.deepEqual(
        rest.blobs.map(({ path }) => path),
        ['c', 'd'],
      );
    });

    if (hasBlobsBelowBlobs)
      it('keeps a blob and those below its path', async () => {
        await put('a', 'a/b', 'a/b/c', 'a-', 'a0');
        assert.deepEqual(await listed(''), ['a', 'a-', 'a/b', 'a/b/c', 'a0']);
        await store.delete(org, ['a/b']);
        assert.equal(await store.deleteFolder(org, 'a/'), 1);
        assert.equal(textOf(await store.get(org, 'a')), 'content of a');
      });

    it('tells odd names apart that some systems mistake', async () => {
      await put(...oddPaths);
      for (const path of oddPaths) assert.equal(textOf(await store.get(org, path)), `content of ${path}`, path);
      assert.deepEqual(await listed(''), [...oddPaths].sort());
      await store.delete(org, ['readme.md', 'con', 'a.']);
      assert.equal(textOf(await store.get(org, 'README.md')), 'content of README.md');
      assert.equal((await listed('')).length, oddPaths.length - 3);
    });

    it('refuses what is no path, in every operation, and touches nothing', async () => {
      await put('kept');
      for (const path of hostilePaths) {
        const says = JSON.stringify(path).slice(0, 60);
        await assert.rejects(store.put(org, path, bytesOf('x')), RangeError, says);
        await assert.rejects(store.get(org, path), RangeError, says);
        await assert.rejects(store.head(org, path), RangeError, says);
        await assert.rejects(store.delete(org, ['kept', path]), RangeError, says);
        await assert.rejects(store.presign(org, path, 60), RangeError, says);
        // A path that ends with / is a folder, and '' is all.
        if (path === '' || path === 'a/') continue;
        await assert.rejects(store.list(org, path === 'a' ? '' : `${path}/`), RangeError, says);
        await assert.rejects(store.deleteFolder(org, `${path}/`), RangeError, says);
      }
      for (const folder of ['a', 'a/b', '.', '/']) await assert.rejects(store.deleteFolder(org, folder), RangeError);
      for (const after of ['/', '../a', 'a b']) await assert.rejects(store.list(org, '', { after }), RangeError);
      for (const limit of [0, -1, 1.5, NaN, 1_001]) await assert.rejects(store.list(org, '', { limit }), RangeError);
      assert.deepEqual(await listed(''), ['kept']);
    });

    it('two organizations never see, change or remove what the other has', async () => {
      const other = newOrg();
      await put('projects/p/index.db', 'mine');
      await store.put(other, 'projects/p/index.db', bytesOf('theirs'));
      assert.equal(textOf(await store.get(other, 'projects/p/index.db')), 'theirs');
      assert.equal(textOf(await store.get(org, 'projects/p/index.db')), 'content of projects/p/index.db');
      assert.equal(await store.get(other, 'mine'), undefined);
      assert.equal(await store.head(other, 'mine'), undefined);
      assert.deepEqual(await listed('', other), ['projects/p/index.db']);
      // A path that spells the tree of the other is one in one's own.
      for (const path of [`orgs/${org}/mine`, `${org}/mine`]) {
        assert.equal(await store.get(other, path), undefined);
        await store.delete(other, [path]);
        assert.deepEqual(await listed(path, other), []);
        assert.equal(await store.deleteFolder(other, `${path}/`), 0);
      }
      await store.put(other, `orgs/${org}/mine`, bytesOf('forged'));
      assert.equal(textOf(await store.get(org, 'mine')), 'content of mine');
      await store.delete(other, ['mine', 'projects/p/index.db']);
      assert.equal(await store.deleteFolder(other, ''), 1);
      assert.deepEqual(await listed('', other), []);
      assert.deepEqual(await listed(''), ['mine', 'projects/p/index.db']);
    });

    it('removes a folder with all in it, and nothing that only looks alike', async () => {
      await put('a/1', 'a/2/3', 'a/2/4', 'ab/1', 'a-b', 'b/a/1');
      assert.equal(await store.deleteFolder(org, 'a/'), 3);
      assert.deepEqual(await listed(''), ['a-b', 'ab/1', 'b/a/1']);
      assert.equal(await store.deleteFolder(org, 'a/'), 0);
      assert.equal(await store.deleteFolder(org, ''), 3);
      assert.deepEqual(await listed(''), []);
      await put('a/1');
      assert.deepEqual(await listed(''), ['a/1']);
    });

    it('lists, deletes and removes more than fits into one request', async () => {
      const paths = Array.from({ length: 1_020 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
      for (let from = 0; from < paths.length; from += 50)
        await Promise.all(paths.slice(from, from + 50).map((path) => store.put(org, path, bytesOf(path))));
      const first = await store.list(org, 'many/');
      assert.equal(first.blobs.length, 1_000);
      assert.equal(first.next, 'many/00999');
      const missing = Array.from({ length: 1_000 }, (_, i) => `missing/${i}`);
      await store.delete(org, [...missing, ...paths.slice(-10)]);
      assert.equal(await store.deleteFolder(org, 'many/'), 1_010);
      assert.deepEqual(await listed(''), []);
    });

    it('a blob is always a whole one, while it is replaced many times at once', async () => {
      const whole = (i: number): Uint8Array => new Uint8Array(50_000).fill(i);
      await store.put(org, 'busy', whole(0));
      const writes = Array.from({ length: 40 }, (_, i) => store.put(org, 'busy', whole(i)));
      const reads = Array.from({ length: 40 }, async () => {
        const bytes = (await store.get(org, 'busy'))!;
        assert.equal(bytes.length, 50_000);
        assert.ok(bytes.every((byte) => byte === bytes[0]));
      });
      await Promise.all([...writes, ...reads]);
      assert.deepEqual(await listed(''), ['busy']);
    });

    it('200 blobs put at once are all there', async () => {
      const paths = Array.from({ length: 200 }, (_, i) => `p${i % 7}/q${i % 3}/r${i}`);
      await Promise.all(paths.map((path) => store.put(org, path, bytesOf(path))));
      assert.deepEqual(await listed(''), [...paths].sort());
      const contents = await Promise.all(paths.map(async (path) => textOf(await store.get(org, path))));
      assert.deepEqual(contents, paths);
    });

    it('puts succeed while the same folder is removed again and again', async () => {
      let isDone = false;
      const removing = (async () => {
        while (!isDone) await store.deleteFolder(org, 'a/');
      })();
      await Promise.all(Array.from({ length: 150 }, (_, i) => store.put(org, `a/b/${i % 5}/c${i}`, bytesOf('x'))));
      isDone = true;
      await removing;
      await store.put(org, 'a/b/last', bytesOf('x'));
      assert.ok((await listed('a/')).includes('a/b/last'));
    });

    it('is healthy', () => store.health());

    if (hasLinks) describeLinks();
    else
      it('has no links', async () => {
        await put('a');
        assert.equal(await store.presign(org, 'a', 60), undefined);
      });
    if (isRemote) describeOutage();

    function describeLinks(): void {
      it('makes links that anybody can follow, to this blob and no other', async () => {
        await put('a/b.db', 'a/c.db');
        const link = (await store.presign(org, 'a/b.db', 60))!;
        const answer = await fetch(link);
        assert.deepEqual([answer.status, await answer.text()], [200, 'content of a/b.db']);
        for (const forged of [
          link.replace('b.db', 'c.db'),
          link.replace(org, newOrg()),
          link.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'),
          link.replace(/X-Amz-Signature=..../, 'X-Amz-Signature=0000'),
          link.split('?')[0]!,
        ]) {
          const refused = await fetch(forged);
          assert.ok(refused.status === 403 || refused.status === 400, `${refused.status} for ${forged}`);
          await refused.body?.cancel();
        }
      });

      it('whose time runs out', async () => {
        await put('a');
        const link = (await store.presign(org, 'a', 1))!;
        await sleep(2_100);
        const refused = await fetch(link);
        assert.equal(refused.status, 403);
        await refused.body?.cancel();
        for (const seconds of [0, -1, 1.5, 604_801, NaN])
          await assert.rejects(store.presign(org, 'a', seconds), RangeError);
      });
    }

    function describeOutage(): void {
      const everything = (hasty: BlobStore): [string, () => Promise<unknown>][] => [
        ['put', () => hasty.put(org, 'a', bytesOf('x'))],
        ['get', () => hasty.get(org, 'a')],
        ['head', () => hasty.head(org, 'a')],
        ['list', () => hasty.list(org, '')],
        ['delete', () => hasty.delete(org, ['a'])],
        ['deleteFolder', () => hasty.deleteFolder(org, 'a/')],
        ['health', () => hasty.health()],
      ];
      const allUnavailable = async (hasty: BlobStore): Promise<void> => {
        const operations = everything(hasty);
        const outcomes = await Promise.allSettled(operations.map(([, work]) => work()));
        for (const [i, outcome] of outcomes.entries()) {
          const operation = operations[i]![0];
          assert.equal(outcome.status, 'rejected', operation);
          const { reason } = outcome as { reason: unknown };
          assert.ok(reason instanceof BlobStoreError && reason.isUnavailable, `${operation}: ${String(reason)}`);
        }
      };

      for (const state of ['down', 'silent', 'garbage'] as const)
        it(`is unavailable while the line is ${state}, and works again afterwards`, async () => {
          const { network, hasty } = backend.remote!;
          await put('a');
          await network.set(state);
          try {
            await allUnavailable(hasty);
          } finally {
            await network.set('fine');
          }
          assert.equal(textOf(await store.get(org, 'a')), 'content of a');
          await store.health();
        });

      it('bears a line that breaks in the middle of many', async () => {
        const { network } = backend.remote!;
        const paths = Array.from({ length: 30 }, (_, i) => `p${i}`);
        const writes = Promise.all(paths.map((path) => store.put(org, path, bytesOf(path))));
        await network.set('down');
        await network.set('fine');
        await writes;
        assert.equal((await listed('')).length, 30);
      });

      it('a slow line is waited for', async () => {
        const { network } = backend.remote!;
        network.delay(120);
        try {
          await put('a');
          assert.equal(textOf(await store.get(org, 'a')), 'content of a');
        } finally {
          network.delay(0);
        }
      });
    }
  });
}
