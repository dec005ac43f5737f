import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../system/makeFolder.ts';
import { sha256Of } from './fileFacts.ts';
import { HubError, hubRequest, networkError, type HubAnswer, type Network } from './hubRequest.ts';
import { whatElse } from './onnxFacts.ts';
import type { ModelFile } from './types.ts';

/** Waiting times, in milliseconds. */
export interface Patience {
  /** Failures in a row, without a byte between them, before it is given up. */
  attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  firstDelayMs: number;
  mostDelayMs: number;
  /** Without a byte for so long, a connection is given up. */
  stallMs: number;
}

export const usualPatience: Patience = { attempts: 5, firstDelayMs: 500, mostDelayMs: 30_000, stallMs: 20_000 };

export interface FetchOptions {
  url: URL;
  /** Absolute; what is fetched so far lies beside it, with `.part` at its end. */
  target: string;
  file: ModelFile;
  network: Network;
  patience: Patience;
  signal: AbortSignal | undefined;
  /** Bytes of this file that are here, and how many it has, where known. */
  onBytes: (done: number, total: number | null) => void;
  onRetry: (reason: string, delayMs: number) => void;
  onCheck: () => void;
}

/** What a part belongs to; kept beside it. */
interface PartNote {
  /** Strong validator of the whole file; null where the server gives none. */
  etag: string | null;
  total: number | null;
}

/** No model that fits the product is larger. */
const mostBytes = 4 * 2 ** 30;
const mostAttempts = 100;

const partOf = (target: string): string => `${target}.part`;
const noteOf = (target: string): string => `${target}.part.json`;
const counted = (bytes: number): string => `${bytes.toLocaleString('en-US')} bytes`;

async function readNote(target: string): Promise<PartNote> {
  try {
    const { etag, total } = JSON.parse(await readFile(noteOf(target), 'utf8')) as Partial<PartNote>;
    return { etag: typeof etag === 'string' ? etag : null, total: typeof total === 'number' ? total : null };
  } catch {
    // No note, or half of one: the part is then trusted only where a digest will judge it.
    return { etag: null, total: null };
  }
}

async function sizeOrZero(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function dropPart(target: string): Promise<void> {
  await rm(partOf(target), { force: true });
  await rm(noteOf(target), { force: true });
}

/** From where to go on: 0 unless the rest can be proved to belong to the part. */
async function resumeFrom({ target, file }: FetchOptions): Promise<{ have: number; note: PartNote }> {
  const note = await readNote(target);
  const have = await sizeOrZero(partOf(target));
  const total = file.bytes ?? note.total;
  const isProvable = file.sha256 !== null || note.etag !== null;
  if (have > 0 && isProvable && (total === null || have <= total)) return { have, note };
  await dropPart(target);
  return { have: 0, note: { etag: null, total: null } };
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

const refusals: Record<number, string> = {
  401: 'It wants a login: the repository is private, or there is none of this name.',
  403: 'It, or something between, does not let this machine in.',
  404: 'Check model.repository, model.revision and model.file, or the address of the hub.',
};

function refusal({ status, headers, url }: HubAnswer, name: string): HubError {
  const wait = retryAfterMs(headers['retry-after']);
  return new HubError(`${url.host} answers ${status} for ${name}`, {
    transient: status >= 500 || status === 408 || status === 429,
    hint: refusals[status] ?? 'Try again later.',
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    details: { status, url: `${url.origin}${url.pathname}` },
  });
}

const instead = (what: string, host: string, name: string): HubError =>
  new HubError(`${host} gave ${what} in place of ${name}`, {
    transient: false,
    hint: 'A login page of the network may stand between, or the address of the hub is wrong.',
  });

/** Thrown when what lies here and what the server has are not of one file. */
class StartAnew extends Error {}

/** Where the answer's bytes begin, and how long the whole is. */
function rangeOf(
  { status, headers, url }: HubAnswer,
  have: number,
  name: string,
): { start: number; total: number | null } {
  const length = headers['content-length'];
  const announced = length === undefined ? null : Number(length);
  if (status === 200) return { start: 0, total: announced };
  const [, start, , total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  if (start === undefined || total === undefined || Number(start) !== have)
    throw new StartAnew(`${url.host} gave another part of ${name} than was asked for`);
  return { start: have, total: Number(total) };
}

/** Refuses what cannot be the file, by the head of the answer. */
function checkHead(answer: HubAnswer, file: ModelFile, total: number | null, known: number | null): void {
  const { headers, url } = answer;
  const kind = headers['content-type'] ?? '';
  if (/^(text\/html|application\/xhtml)/i.test(kind)) throw instead('a web page', url.host, file.path);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw instead(`something packed with ${encoding}`, url.host, file.path);
  if (total === null) return;
  if (total > mostBytes) throw instead(`${counted(total)}`, url.host, file.path);
  if (known !== null && total !== known) {
    if (file.bytes === null) throw new StartAnew(`${file.path} has changed on ${url.host}`);
    throw new HubError(`${file.path} has ${counted(total)} on ${url.host}, expected were ${counted(known)}`, {
      transient: false,
      hint: 'This is another file than the one that is known. Import the model from a folder, or configure another one.',
      details: { found: total, expected: known },
    });
  }
}

function strongEtag(etag: string | undefined): string | null {
  return etag === undefined || etag.startsWith('W/') ? null : etag;
}

/** Writes the body behind what is there. Returns how many bytes are there now. */
async function receive(
  { body, url }: HubAnswer,
  handle: FileHandle,
  start: number,
  total: number | null,
  { file, patience, signal, onBytes }: FetchOptions,
): Promise<number> {
  let done = start;
  let timer: NodeJS.Timeout | undefined;
  const expectMore = (): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => body.destroy(new HubError(`${url.host} sends nothing any more`, { transient: true })),
      patience.stallMs,
    );
  };
  expectMore();
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (done === 0) {
        const other = whatElse(chunk.subarray(0, 256));
        if (other !== null) throw instead(other, url.host, file.path);
      }
      if (done + chunk.length > (total ?? mostBytes))
        throw instead('more bytes than it announced', url.host, file.path);
      let written = 0;
      while (written < chunk.length)
        written += (await handle.write(chunk, written, chunk.length - written, done + written)).bytesWritten;
      done += chunk.length;
      onBytes(done, total);
      expectMore();
    }
  } catch (error) {
    if (signal?.aborted === true || isDiskError(error)) throw error;
    throw networkError(error, url.host);
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
  if (total !== null && done < total)
    throw new HubError(`${url.host} stopped after ${counted(done)} of ${counted(total)}`, { transient: true });
  return done;
}

const diskCodes = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG', 'EACCES', 'EPERM']);

/** Of writing the part, not of the connection. */
function isDiskError(error: unknown): boolean {
  return diskCodes.has((error as NodeJS.ErrnoException).code ?? '');
}

/** One connection. Returns whether it went on with a part of an earlier one. */
async function fetchOnce(options: FetchOptions): Promise<{ resumed: boolean }> {
  const { url, target, file, network, signal, onBytes } = options;
  const { have, note } = await resumeFrom(options);
  const known = file.bytes ?? note.total;
  onBytes(have, known);
  if (have > 0 && have === known) return { resumed: true };
  const headers: Record<string, string> =
    have === 0 ? {} : { Range: `bytes=${have}-`, ...(note.etag === null ? {} : { 'If-Range': note.etag }) };
  const answer = await hubRequest(url, { headers, signal, network });
  try {
    if (answer.status === 416) throw new StartAnew(`${answer.url.host} has no more of ${file.path}`);
    if (answer.status !== 200 && answer.status !== 206) throw refusal(answer, file.path);
    const { start, total } = rangeOf(answer, have, file.path);
    checkHead(answer, file, total, start === 0 ? file.bytes : known);
    const expected = total ?? file.bytes;
    const handle = await open(partOf(target), start === 0 ? 'w' : 'r+');
    try {
      await writeFile(noteOf(target), JSON.stringify({ etag: strongEtag(answer.headers.etag), total: expected }));
      await receive(answer, handle, start, expected, options);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { resumed: start > 0 };
  } finally {
    answer.body.destroy();
  }
}

/** Gives the part its name once its digest is the expected one. */
async function accept({ target, file, url, signal, onCheck }: FetchOptions, resumed: boolean): Promise<void> {
  onCheck();
  if (file.sha256 !== null) {
    const found = await sha256Of(partOf(target), signal);
    if (found !== file.sha256) {
      await dropPart(target);
      if (resumed) throw new StartAnew(`the parts of ${file.path} do not fit together`);
      throw new HubError(`${file.path} from ${url.host} has the SHA-256 ${found}, expected was ${file.sha256}`, {
        transient: false,
        hint: 'It was not kept. Something on the way may have changed it; or import the model from a folder.',
        details: { found, expected: file.sha256 },
      });
    }
  }
  await rename(partOf(target), target);
  await rm(noteOf(target), { force: true });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new Error('stopped'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Longer each time, and not the same for two machines that failed together; never sooner than the server asks. */
function delayOf({ firstDelayMs, mostDelayMs }: Patience, failures: number, asked: number | undefined): number {
  const doubled = Math.min(mostDelayMs, firstDelayMs * 2 ** (failures - 1));
  return Math.max(doubled * (0.75 + Math.random() / 2), asked ?? 0);
}

/** What a server may ask for before we give up in its place. */
const longestWaitMs = 120_000;

/**
 * Fetches a file. What came before a failure or a cancel lies in the part and is gone on with. Throws HubError; once the
 * signal is given, whatever comes of it.
 */
export async function fetchFile(options: FetchOptions): Promise<void> {
  const { target, patience, signal, onRetry } = options;
  makeFolder(path.dirname(target));
  let failures = 0;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const before = await sizeOrZero(partOf(target));
    try {
      const { resumed } = await fetchOnce(options);
      await accept(options, resumed);
      return;
    } catch (error) {
      if (signal?.aborted === true || attempt >= mostAttempts) throw error;
      if (error instanceof StartAnew) {
        await dropPart(target);
        failures += 1;
        if (failures >= patience.attempts) throw new HubError(error.message, { transient: false });
        onRetry(error.message, 0);
        continue;
      }
      if (!(error instanceof HubError) || !error.options.transient) throw error;
      failures = (await sizeOrZero(partOf(target))) > before ? 1 : failures + 1;
      const delayMs = delayOf(patience, failures, error.options.retryAfterMs);
      if (failures >= patience.attempts || delayMs > longestWaitMs) throw error;
      onRetry(error.message, delayMs);
      await pause(delayMs, signal);
    }
  }
}
