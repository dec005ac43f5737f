import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { encodeChunks } from '../../../core/records/fileRecords.ts';
import { readSnapshot, type SnapshotItem } from '../../../core/snapshot/readSnapshot.ts';
import {
  SnapshotError,
  type Sha256,
  type SnapshotFile,
  type SnapshotHeader,
  type SnapshotVector,
} from '../../../core/snapshot/snapshotFormat.ts';
import { SnapshotWriter } from '../../../core/snapshot/writeSnapshot.ts';

const sha256: Sha256 = async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());

interface Content {
  header: SnapshotHeader;
  files: SnapshotFile[];
  vectors: SnapshotVector[];
}

/** By a way of its own, so that it can disagree with the reader's. */
function headerOf(files: readonly SnapshotFile[], dimensions: number): SnapshotHeader {
  const hash = createHash('sha256');
  for (const { path, contentHash } of files) hash.update(`${path}\0${contentHash}\n`);
  return {
    projectId: '5c56c793-69f3-4fbf-87e6-c4bf54c28c26',
    branch: 'main',
    revision: 7,
    rootHash: hash.digest('hex'),
    analysisVersion: '5',
    embeddingModel: dimensions === 0 ? null : 'any/2',
    dimensions,
    files: files.length,
    chunks: files.reduce((sum, { chunkCount }) => sum + chunkCount, 0),
  };
}

const bytes = fc.uint8Array({ maxLength: 40 });
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const count = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const file = fc
  .record({
    path: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    content: fc.string(),
    bytes: count,
    skipped: fc.option(fc.record({ reason: text, detail: text }, { noNullPrototype: true })),
    language: text,
    role: text,
    chunkedBy: text,
    lineCount: count,
    syntaxErrors: fc.boolean(),
    symbolCount: count,
    scopes: fc.array(text, { maxLength: 4 }),
    symbols: bytes,
    links: bytes,
    words: bytes,
  })
  .map(({ content, scopes, ...rest }): SnapshotFile => {
    const chunks = scopes.map((scope, at) => ({
      startLine: at + 1,
      endLine: at + 1,
      tokens: at,
      truncated: false,
      scope,
    }));
    const digests = scopes.map((scope) => createHash('md5').update(scope).digest());
    return {
      ...rest,
      contentHash: createHash('sha256').update(content).digest('hex'),
      chunkCount: scopes.length,
      chunks: encodeChunks(chunks),
      digests: new Uint8Array(Buffer.concat(digests)),
    };
  });

const content = fc
  .record({
    files: fc.uniqueArray(file, { selector: ({ path }) => Buffer.from(path).toString('hex'), maxLength: 8 }),
    vectors: fc.array(
      fc.record(
        {
          digest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
          vector: fc.float32Array({ minLength: 2, maxLength: 2, noNaN: true }),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 6 },
    ),
  })
  .map(({ files, vectors }): Content => {
    const sorted = files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    return { files: sorted, vectors, header: headerOf(sorted, 2) };
  });

async function write({ header, files, vectors }: Content): Promise<{ whole: Buffer; digest: Uint8Array }> {
  const writer = new SnapshotWriter(sha256);
  const pieces = await writer.start(header);
  // In several blocks: each call makes at least one.
  for (const each of files) pieces.push(...(await writer.files([each])));
  pieces.push(...(await writer.vectors(vectors)), await writer.end());
  return { whole: Buffer.concat(pieces), digest: writer.digest };
}

async function* inPieces(whole: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += length) yield whole.subarray(at, at + length);
}

async function read(whole: Uint8Array, pieceLength = whole.length): Promise<SnapshotItem[]> {
  const items: SnapshotItem[] = [];
  for await (const item of readSnapshot(inPieces(whole, Math.max(1, pieceLength)), sha256)) items.push(item);
  return items;
}

const refuses = (whole: Uint8Array, message: RegExp): Promise<void> =>
  assert.rejects(read(whole), (error: unknown) => {
    assert.ok(error instanceof SnapshotError, String(error));
    assert.match(error.message, message);
    return true;
  });

const small: Content = (() => {
  const record = (path: string): SnapshotFile => ({
    path,
    contentHash: createHash('sha256').update(path).digest('hex'),
    bytes: 1,
    skipped: null,
    language: 'typescript',
    role: 'source',
    chunkedBy: 'lines',
    lineCount: 1,
    syntaxErrors: false,
    chunkCount: 1,
    symbolCount: 0,
    chunks: encodeChunks([{ startLine: 1, endLine: 1, tokens: 3, truncated: false, scope: '' }]),
    symbols: new Uint8Array([0]),
    links: new Uint8Array(0),
    words: new Uint8Array([0, 0]),
    digests: new Uint8Array(16).fill(9),
  });
  const files = [record('a.ts'), record('b.ts')];
  const vectors = [{ digest: new Uint8Array(16).fill(9), vector: Float32Array.of(0.6, 0.8) }];
  return { files, vectors, header: headerOf(files, 2) };
})();

describe('Snapshots', () => {
  it('are read as they were written, in whatever pieces they come', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 300 }), async (each, pieceLength) => {
        const { whole, digest } = await write(each);
        const items = await read(whole, pieceLength);
        const end = { files: each.files.length, chunks: each.header.chunks, vectors: each.vectors.length };
        assert.deepEqual(items, [
          { kind: 'header', header: each.header },
          ...each.files.map((found) => ({ kind: 'file', file: found })),
          ...each.vectors.map((vector) => ({ kind: 'vector', vector })),
          { kind: 'end', end, digest: new Uint8Array(digest) },
        ]);
      }),
      { numRuns: 200 },
    );
  });

  it('that are cut off anywhere are refused', async () => {
    const { whole } = await write(small);
    for (let length = 0; length < whole.length; length++) await refuses(whole.subarray(0, length), /ends too early/);
  });

  it('with any byte altered are refused', async () => {
    const { whole } = await write(small);
    for (let at = 0; at < whole.length; at++) {
      for (const flipped of [1, 0x80]) {
        const altered = Uint8Array.from(whole);
        altered[at]! ^= flipped;
        await refuses(altered, /./);
      }
    }
  });

  it('are refused whatever is done to them', async () => {
    const { whole } = await write(small);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length }),
        fc.nat({ max: whole.length }),
        fc.uint8Array({ maxLength: 50 }),
        async (from, length, inserted) => {
          const damaged = Buffer.concat([whole.subarray(0, from), inserted, whole.subarray(from + length)]);
          if (damaged.equals(whole)) return;
          await refuses(damaged, /./);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('tell what is wrong with them', async () => {
    const { whole } = await write(small);
    await refuses(Buffer.from('a text of another kind altogether'), /no snapshot of an index/);
    await refuses(Buffer.from('contextkit snapshot 2\n'), /of format 2; this version reads format 1/);
    await refuses(Buffer.from('contextkit snapshot x\n'), /no snapshot of an index/);
    await refuses(Buffer.concat([whole, Buffer.of(0)]), /goes on after its end/);
    const altered = Uint8Array.from(whole);
    altered[30]! ^= 1;
    await refuses(altered, /was altered: block 1 does not have its digest/);
    const huge = Uint8Array.from(whole);
    huge.fill(255, 'contextkit snapshot 1\n'.length + 1, 'contextkit snapshot 1\n'.length + 5);
    await refuses(huge, /was altered: block 1 has no such length/);
  });

  it('by a writer that is wrong are refused, too', async () => {
    const [a, b] = small.files as [SnapshotFile, SnapshotFile];
    const cases: [Content, RegExp][] = [
      [{ ...small, files: [b, a] }, /"a.ts" of the snapshot is not in its place/],
      [{ ...small, files: [a, a] }, /"a.ts" of the snapshot is not in its place/],
      [{ ...small, files: [a] }, /has 1 files and says 2/],
      [{ ...small, header: { ...small.header, rootHash: '0'.repeat(64) } }, /come to the root hash [0-9a-f]{64}/],
      [{ ...small, files: [a, { ...b, contentHash: 'x' }] }, /"b.ts" has no hash of its content/],
      [{ ...small, files: [a, { ...b, digests: new Uint8Array(0) }] }, /1 chunks and not as many digests/],
      [{ ...small, files: [a, { ...b, chunks: Uint8Array.of(0) }] }, /has 0 chunks and says 1/],
      [{ ...small, header: { ...small.header, dimensions: 3 } }, /cannot be read: the record ends too early/],
      [{ ...small, header: { ...small.header, revision: -1 } }, /header of the snapshot has no proper revision/],
    ];
    for (const [wrong, message] of cases) await refuses((await write(wrong)).whole, message);
    const writer = new SnapshotWriter(sha256);
    const start = await writer.start(small.header);
    const vectors = await writer.vectors(small.vectors);
    const files = await writer.files(small.files);
    await refuses(Buffer.concat([...start, ...vectors, ...files, await writer.end()]), /kind 2 where none belongs/);
  });

  it('close what they are read from when nobody reads on', async () => {
    const { whole } = await write(small);
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* inPieces(whole, 10);
      } finally {
        isClosed = true;
      }
    }
    for await (const { kind } of readSnapshot(source(), sha256)) if (kind === 'header') break;
    assert.ok(isClosed);
  });

  it('give one long list of files several blocks', async () => {
    const writer = new SnapshotWriter(sha256);
    const [a] = small.files as [SnapshotFile];
    const files = ['1', '2', '3'].map((path) => ({ ...a, path, words: new Uint8Array(400_000) }));
    await writer.start(headerOf(files, 0));
    assert.equal((await writer.files(files)).length, 2);
  });
});
