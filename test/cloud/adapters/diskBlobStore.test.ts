import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { diskBlobStore } from '../../../cloud/adapters/diskBlobStore/diskBlobStore.ts';
import { fileName, folderName, segmentOf } from '../../../cloud/adapters/diskBlobStore/fileNames.ts';
import { BlobStoreError } from '../../../cloud/ports/blobStore.ts';
import { orgId } from '../../../cloud/ports/organization.ts';
import { blobStoreContract } from '../contracts/blobStoreContract.ts';

const newRoot = (): string => mkdtempSync(path.join(tmpdir(), 'contextkit-blobs-'));
const bytes = new TextEncoder().encode('content');

blobStoreContract('disk', {
  hasLinks: false,
  isRemote: false,
  hasBlobsBelowBlobs: true,
  async start() {
    const root = newRoot();
    return {
      store: diskBlobStore({ root }),
      async close() {
        rmSync(root, { recursive: true, force: true });
      },
    };
  },
});

describe('Names of blobs on disk', () => {
  it('are such that every system takes them', () => {
    const names: [segment: string, folder: string, file: string][] = [
      ['index.db', 'index.db', 'index.db.blob'],
      ['README.md', '=readme=.md', '=readme=.md.blob'],
      ['fooBarBaz', 'foo=b=ar=b=az', 'foo=b=ar=b=az.blob'],
      ['con', 'con==', 'con==.blob'],
      ['con.txt', 'con==.txt', 'con==.txt.blob'],
      ['CON', '=con=', '=con=.blob'],
      ['com1.tar.gz', 'com1==.tar.gz', 'com1==.tar.gz.blob'],
      ['lpt9', 'lpt9==', 'lpt9==.blob'],
      ['console', 'console', 'console.blob'],
      ['a.', 'a.==', 'a..blob'],
      ['...', '...==', '....blob'],
      ['x.blob', 'x.blob==', 'x.blob.blob'],
      ['X.BLOB', '=x=.=blob=', '=x=.=blob=.blob'],
    ];
    for (const [segment, folder, file] of names) {
      assert.equal(folderName(segment), folder);
      assert.equal(fileName(segment), file);
    }
  });

  it('say what they stand for, are never the same for two, and fit', () => {
    const piece = fc.constantFrom('a', 'B', 'C', '.', '-', '_', '1', 'con', 'nul', '.blob', 'com', 'Z.');
    const segment = fc
      .array(piece, { minLength: 1, maxLength: 40 })
      .map((pieces) => pieces.join('').slice(0, 120))
      .filter((text) => text !== '.' && text !== '..');
    fc.assert(
      fc.property(segment, segment, (one, other) => {
        for (const name of [folderName(one), fileName(one)]) {
          assert.match(name, /^[a-z0-9._=-]{1,255}$/);
          assert.doesNotMatch(name, /\.$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/);
        }
        assert.equal(segmentOf(folderName(one), 'folder'), one);
        assert.equal(segmentOf(fileName(one), 'file'), one);
        assert.notEqual(folderName(one), fileName(other));
        if (one !== other) assert.notEqual(folderName(one), folderName(other));
        if (one !== other) assert.notEqual(fileName(one), fileName(other));
      }),
      { numRuns: 2_000 },
    );
  });

  it('and names that are none of ours stand for nothing', () => {
    for (const name of [
      'a',
      'A.blob',
      'a==.blob',
      '=A=.blob',
      '=.blob',
      '===.blob',
      'con.blob',
      'a=b.blob',
      '.DS_Store',
    ])
      assert.equal(segmentOf(name, 'file'), undefined, name);
    for (const name of ['con', 'a.', 'x.blob', 'A', '=a', 'a=='])
      assert.equal(segmentOf(name, 'folder'), undefined, name);
  });
});

describe('The blob store on disk', () => {
  let root: string;
  const org = orgId(randomUUID());
  const tree = (): string => path.join(root, 'orgs', org);

  beforeEach(() => (root = newRoot()));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('keeps each organization in a folder that only this user can read', async () => {
    const store = diskBlobStore({ root });
    await store.put(org, 'projects/p/index.db', bytes);
    const file = path.join(tree(), 'projects', 'p', 'index.db.blob');
    assert.equal(statSync(file).size, bytes.length);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(tree()).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(path.join(root, 'tmp')), []);
  });

  it('leaves no empty folder behind', async () => {
    const store = diskBlobStore({ root });
    await store.put(org, 'a/b/c', bytes);
    await store.put(org, 'a/d', bytes);
    await store.delete(org, ['a/b/c']);
    assert.deepEqual(readdirSync(path.join(tree(), 'a')), ['d.blob']);
    await store.deleteFolder(org, 'a/');
    assert.equal(existsSync(tree()), false);
  });

  it('does not list what others put there, and removes it with the folder', async () => {
    const store = diskBlobStore({ root });
    await store.put(org, 'a/b', bytes);
    writeFileSync(path.join(tree(), 'a', '.DS_Store'), 'x');
    writeFileSync(path.join(tree(), 'a', 'B.blob'), 'x');
    assert.deepEqual(
      (await store.list(org, '')).blobs.map((each) => each.path),
      ['a/b'],
    );
    assert.equal(await store.deleteFolder(org, ''), 1);
    assert.equal(existsSync(tree()), false);
  });

  it('removes what a killed process left behind, not what is being written', async () => {
    mkdirSync(path.join(root, 'tmp'));
    const [old, young] = ['old', 'young'].map((name) => path.join(root, 'tmp', name));
    writeFileSync(old!, 'x');
    writeFileSync(young!, 'x');
    utimesSync(old!, new Date(0), new Date(0));
    await diskBlobStore({ root }).put(org, 'a', bytes);
    assert.deepEqual(readdirSync(path.join(root, 'tmp')), ['young']);
  });

  it('makes its folder, and wants it absolute', async () => {
    const store = diskBlobStore({ root: path.join(root, 'not', 'yet', 'there') });
    await store.health();
    await store.put(org, 'a', bytes);
    assert.throws(() => diskBlobStore({ root: 'blobs' }), TypeError);
  });

  it('says what is wrong with its folder, without its name', async () => {
    writeFileSync(path.join(root, 'file'), 'x');
    const store = diskBlobStore({ root: path.join(root, 'file', 'blobs') });
    for (const work of [() => store.put(org, 'a', bytes), () => store.health()])
      await assert.rejects(work(), (error: Error) => {
        assert.ok(error instanceof BlobStoreError && !error.isUnavailable);
        assert.match(error.message, /ENOTDIR|EEXIST/);
        assert.ok(!error.message.includes(root));
        return true;
      });
  });

  it('a put that fails leaves no draft, and says so each time', async () => {
    const store = diskBlobStore({ root });
    mkdirSync(path.join(tree(), 'a', 'b.blob', 'in the way'), { recursive: true });
    for (let i = 0; i < 2; i++) await assert.rejects(store.put(org, 'a/b', bytes), BlobStoreError);
    await assert.rejects(store.get(org, 'a/b'), BlobStoreError);
    assert.deepEqual(readdirSync(path.join(root, 'tmp')), []);
    await store.put(org, 'a/c', bytes);
  });
});
