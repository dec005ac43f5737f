import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { BlobStoreError, type BlobInfo, type BlobPage, type BlobStore } from '../../ports/blobStore.ts';
import type { OrgId } from '../../ports/organization.ts';
import { askPatiently, isPassingStatus, NoAnswer, type Answer, type Patience } from '../outbound/askPatiently.ts';
import { checkBlobFolder, checkBlobPath, checkBlobPrefix, checkListLimit, mostListed } from '../rules/blobRules.ts';
import { parseDeleteResult, parseErrorCode, parseListing, type RefusedDeletion } from './s3Replies.ts';

export interface S3BlobStoreOptions {
  /** `https://host` or `https://host/path`; the bucket follows as a segment of the path. */
  endpoint: string;
  /** `auto` where the service has none. */
  region: string;
  /** It exists already. */
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  patience?: Partial<Patience>;
}

const usualPatience: Patience = { attempts: 4, timeoutMs: 6_000, silences: 2, firstDelayMs: 100, mostDelayMs: 5_000 };
/** A line that is slower than this, in bytes a millisecond, is taken for broken. */
const slowestUpload = 100;
const mostBlobBytes = 2 ** 30;
const mostXmlBytes = 8 * 2 ** 20;
/** Of one request. */
const mostDeleted = 1_000;
const mostPresignedSeconds = 7 * 24 * 3_600;

/** Refusals that may be others next time though their status does not say so. */
const passingCodes = new Set(['RequestTimeout', 'SlowDown', 'InternalError', 'ServiceUnavailable', 'OperationAborted']);

const textOf = ({ body }: Answer): string => Buffer.from(body).toString('utf8');
const codeOf = (answer: Answer): string | undefined =>
  answer.status < 300 ? undefined : parseErrorCode(textOf(answer));

function isPassing(answer: Answer): boolean {
  if (isPassingStatus(answer.status)) return answer.status !== 501;
  return passingCodes.has(codeOf(answer) ?? '');
}

function refusal(action: string, answer: Answer): BlobStoreError {
  const code = codeOf(answer);
  return new BlobStoreError(
    `the blob store refuses to ${action} (${answer.status}${code === undefined ? '' : ` ${code}`})`,
    {
      isUnavailable: isPassing(answer),
    },
  );
}

const nonsense = (action: string): BlobStoreError =>
  new BlobStoreError(`the blob store was asked to ${action} and answered nonsense`, { isUnavailable: false });

/** Without a slash at its end. */
function addressOf({ endpoint, bucket }: S3BlobStoreOptions): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (
    url === undefined ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new TypeError('the endpoint of S3 is an http or https address without a name, a query or a fragment');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new TypeError('this is no name of a bucket of S3');
  return `${url.href.replace(/\/+$/, '')}/${bucket}`;
}

interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the bucket, with its `/`. */
  at: string;
  query?: Record<string, string>;
  body?: Uint8Array;
  headers?: Record<string, string>;
  maxBytes: number;
}

/** Signs each attempt anew, with the hash of its body: one that was changed on its way is refused. */
function createS3Client(options: S3BlobStoreOptions) {
  const { accessKeyId, secretAccessKey, sessionToken, region } = options;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    region,
    service: 's3',
    retries: 0,
  });
  const address = addressOf(options);
  const patience = { ...usualPatience, ...options.patience };

  function urlOf(at: string, query: Record<string, string> = {}): URL {
    const url = new URL(`${address}${at}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  return {
    async ask(action: string, { method, at, query, body, headers, maxBytes }: S3Request): Promise<Answer> {
      const hash = createHash('sha256')
        .update(body ?? '')
        .digest('hex');
      const request = (): Promise<Request> =>
        client.sign(urlOf(at, query).href, {
          method,
          headers: { ...headers, 'X-Amz-Content-Sha256': hash },
          ...(body === undefined ? {} : { body }),
        });
      const timeoutMs = patience.timeoutMs + (body?.byteLength ?? 0) / slowestUpload;
      try {
        return await askPatiently({ request, patience: { ...patience, timeoutMs }, maxBytes, isPassing });
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        throw new BlobStoreError(`the blob store does not answer when asked to ${action}`, {
          isUnavailable: true,
          cause: error,
        });
      }
    },
    async presign(at: string, seconds: number): Promise<string> {
      const url = urlOf(at, { 'X-Amz-Expires': String(seconds) });
      return (await client.sign(url.href, { method: 'GET', aws: { signQuery: true } })).url;
    },
  };
}

const treeOf = (org: OrgId): string => `orgs/${org}/`;

const deletionOf = (keys: readonly string[]): Uint8Array =>
  Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${keys
      .map((key) => `<Object><Key>${key}</Key></Object>`)
      .join('')}</Delete>`,
  );

/** @throws {BlobStoreError} for what was not deleted and had been there. */
function checkDeletion(refused: readonly RefusedDeletion[] | undefined): void {
  if (refused === undefined) throw nonsense('delete blobs');
  const [first] = refused.filter(({ code }) => code !== 'NoSuchKey');
  if (first === undefined) return;
  throw new BlobStoreError(`the blob store refuses to delete ${refused.length} blobs (${first.code})`, {
    isUnavailable: passingCodes.has(first.code),
  });
}

/**
 * Blobs in a bucket of whatever speaks S3 (Amazon, R2, MinIO, Ceph, Swift), below `orgs/{org}/`, with the bucket in the
 * path. Uses no conditional requests and no checksums but MD5, which not all of them have.
 */
export function s3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const s3 = createS3Client(options);

  function keyOf(org: OrgId, path: string): string {
    checkBlobPath(path);
    return treeOf(org) + path;
  }

  async function askForList(query: Record<string, string>): Promise<Answer> {
    const answer = await s3.ask('list blobs', {
      method: 'GET',
      at: '',
      query: { 'list-type': '2', ...query },
      maxBytes: mostXmlBytes,
    });
    if (answer.status !== 200) throw refusal('list blobs', answer);
    return answer;
  }

  /** All keys of a page lie in the tree that was asked for: a server that gives others is not believed. */
  async function listOnce(tree: string, query: Record<string, string>) {
    const listing = parseListing(textOf(await askForList(query)));
    if (listing === undefined) throw nonsense('list blobs');
    const blobs = listing.objects.map(({ key, bytes }): BlobInfo => {
      if (!key.startsWith(query['prefix'] ?? '')) throw nonsense('list blobs');
      return { path: key.slice(tree.length), bytes };
    });
    return { blobs, continuation: listing.continuation };
  }

  /** A server may give fewer than it is asked for, or none, and say that there are more. */
  async function list(org: OrgId, prefix: string, after: string, limit: number): Promise<BlobPage> {
    const tree = treeOf(org);
    const blobs: BlobInfo[] = [];
    const query = { prefix: tree + prefix, ...(after === '' ? {} : { 'start-after': tree + after }) };
    let continuation: string | null = null;
    do {
      const page = await listOnce(tree, {
        ...query,
        'max-keys': String(limit - blobs.length),
        ...(continuation === null ? {} : { 'continuation-token': continuation }),
      });
      if (page.continuation !== null && page.continuation === continuation) throw nonsense('list blobs');
      blobs.push(...page.blobs);
      continuation = page.continuation;
    } while (continuation !== null && blobs.length < limit);
    return { blobs, next: continuation === null ? null : blobs.at(-1)!.path };
  }

  async function deleteKeys(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += mostDeleted) {
      const body = deletionOf(keys.slice(from, from + mostDeleted));
      const md5 = createHash('md5').update(body).digest('base64');
      const answer = await s3.ask('delete blobs', {
        method: 'POST',
        at: '',
        query: { delete: '' },
        body,
        headers: { 'Content-MD5': md5, 'Content-Type': 'application/xml' },
        maxBytes: mostXmlBytes,
      });
      if (answer.status !== 200) throw refusal('delete blobs', answer);
      checkDeletion(parseDeleteResult(textOf(answer)));
    }
  }

  /** An answer without a body cannot say whether it is the blob that is missing, or all. */
  async function checkBucket(): Promise<void> {
    const answer = await s3.ask('find the bucket', { method: 'HEAD', at: '', maxBytes: mostXmlBytes });
    if (answer.status !== 200) throw refusal('find the bucket', answer);
  }

  return {
    async put(org, path, content) {
      const at = `/${keyOf(org, path)}`;
      const headers = { 'Content-Type': 'application/octet-stream' };
      const answer = await s3.ask('put a blob', { method: 'PUT', at, body: content, headers, maxBytes: mostXmlBytes });
      if (answer.status !== 200) throw refusal('put a blob', answer);
    },
    async get(org, path) {
      const at = `/${keyOf(org, path)}`;
      const answer = await s3.ask('get a blob', { method: 'GET', at, maxBytes: mostBlobBytes });
      if (answer.status === 404 && codeOf(answer) === 'NoSuchKey') return undefined;
      if (answer.status !== 200) throw refusal('get a blob', answer);
      return answer.body;
    },
    async head(org, path) {
      const at = `/${keyOf(org, path)}`;
      const answer = await s3.ask('look for a blob', { method: 'HEAD', at, maxBytes: mostXmlBytes });
      if (answer.status === 404) {
        await checkBucket();
        return undefined;
      }
      if (answer.status !== 200) throw refusal('look for a blob', answer);
      const bytes = answer.headers.get('content-length') ?? '';
      if (!/^\d{1,15}$/.test(bytes)) throw nonsense('look for a blob');
      return { path, bytes: Number(bytes) };
    },
    async list(org, prefix, { after = '', limit = mostListed } = {}) {
      checkBlobPrefix(prefix);
      checkBlobPrefix(after);
      checkListLimit(limit);
      return list(org, prefix, after, limit);
    },
    async delete(org, paths) {
      await deleteKeys(paths.map((path) => keyOf(org, path)));
    },
    async deleteFolder(org, prefix) {
      checkBlobFolder(prefix);
      let count = 0;
      let after = '';
      for (;;) {
        const { blobs, next } = await list(org, prefix, after, mostListed);
        await deleteKeys(blobs.map(({ path }) => treeOf(org) + path));
        count += blobs.length;
        if (next === null) return count;
        after = next;
      }
    },
    async presign(org, path, seconds) {
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > mostPresignedSeconds)
        throw new RangeError(`a link is good for 1 to ${mostPresignedSeconds} seconds`);
      return s3.presign(`/${keyOf(org, path)}`, seconds);
    },
    async health() {
      await askForList({ prefix: 'orgs/', 'max-keys': '1' });
    },
    async close() {},
  };
}
