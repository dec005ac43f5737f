import { rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../system/makeFolder.ts';
import { AppError } from '../../core/errors.ts';
import { downloadMeter, type DownloadMeter, type DownloadProgress } from './downloadMeter.ts';
import { isDownloadLock, takeDownload, type DownloadLock } from './downloadLock.ts';
import { fetchFile, usualPatience, type Patience } from './fetchFile.ts';
import { sha256Of, type FileFactsReader } from './fileFacts.ts';
import { findModel, modelPlaces, type ModelOptions, type ModelState, type ReadyState } from './findModel.ts';
import { fileAddress, hubAddress, isSafeWithoutDigest } from './hubAddress.ts';
import { HubError, type Network } from './hubRequest.ts';
import { inspectModel } from './inspectModel.ts';
import { cachedFolder, modelsFolder } from './modelFolders.ts';
import { putInPlace } from './putInPlace.ts';
import { trustedCertificates } from './trustedCertificates.ts';
import type { ModelFile, ModelFileRole, ModelSpec } from './types.ts';
import type { WishedModel } from './wishedModel.ts';

/** How the hub is reached, as the settings say; the environment is asked besides. */
export interface HubSettings {
  /** Base address of the hub; '' for the usual one. */
  url?: string | undefined;
  /** Stands above HTTPS_PROXY; '' for none. */
  proxy?: string | undefined;
  /** Hosts that are reached without a proxy, besides those of NO_PROXY. */
  noProxy?: readonly string[] | undefined;
  /** File with certificates in PEM form that are trusted besides Node's; CONTEXTKIT_CA_FILE comes before it. */
  caFile?: string | undefined;
}

export interface DownloadOptions extends ModelOptions {
  hub?: HubSettings | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Waiting times, for tests. */
  patience?: Partial<Patience> & { answerTimeoutMs?: number; pollMs?: number };
}

const answerTimeoutMs = 30_000;
const pollMs = 500;
const tickMs = 250;

/** Small files first: what is wrong with them shows before 34 MB are fetched. */
const order: readonly ModelFileRole[] = ['config', 'tokenizerConfig', 'tokenizer', 'model'];

const folderHint = 'On a machine without network, `contextkit model import DIR` takes it from a folder.';

function cancelled(): AppError {
  return new AppError('cancelled', 'the download was stopped; what came so far is kept');
}

/** What the disk says, in words. */
function diskError(error: unknown, folder: string): AppError | undefined {
  const { code = '', syscall } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError('download_failed', `the disk of ${folder} is full; what came so far is kept`, {
      hint: 'Make room and run it again, or name another folder in CONTEXTKIT_CACHE_DIR.',
      cause: error,
    });
  if (syscall !== undefined)
    return new AppError('download_failed', `${folder} cannot be written (${code})`, {
      hint: 'Check its permissions, or name another folder in CONTEXTKIT_CACHE_DIR.',
      cause: error,
    });
  return undefined;
}

function toAppError(error: unknown, folder: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return cancelled();
  if (error instanceof AppError) return error;
  if (error instanceof HubError) {
    const { hint, details, cause } = error.options;
    return new AppError('download_failed', error.message, {
      hint: hint === undefined ? folderHint : `${hint} ${folderHint}`,
      ...(details === undefined ? {} : { details }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
  return diskError(error, folder) ?? error;
}

async function assertRoom(folder: string, bytes: number | null): Promise<void> {
  if (bytes === null) return;
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const mb = (count: number): string => `${Math.ceil(count / 1e6)} MB`;
  throw new AppError(
    'download_failed',
    `the disk of ${folder} is full: ${mb(free)} are free, ${mb(bytes)} are needed`,
    {
      hint: 'Make room and run it again, or name another folder in CONTEXTKIT_CACHE_DIR.',
    },
  );
}

/** A file that an earlier run has fetched to its end; without a known digest nobody can say so. */
async function isFetched(target: string, { sha256 }: ModelFile, signal: AbortSignal | undefined): Promise<boolean> {
  if (sha256 === null) return false;
  try {
    return (await sha256Of(target, signal)) === sha256;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

interface Fetching {
  wish: WishedModel & { source: NonNullable<ModelSpec['source']> };
  /** Where the model will lie. */
  folder: string;
  options: DownloadOptions;
  meter: DownloadMeter;
}

function networkOf({ env = process.env, hub = {}, patience }: DownloadOptions): Network {
  const noProxy = [env['no_proxy'] || env['NO_PROXY'] || '', ...(hub.noProxy ?? [])].join(',');
  return {
    env: { ...env, no_proxy: noProxy },
    proxy: hub.proxy ?? '',
    certificates: trustedCertificates(env['CONTEXTKIT_CA_FILE'] || (hub.caFile ?? ''), env),
    answerTimeoutMs: patience?.answerTimeoutMs ?? answerTimeoutMs,
  };
}

/** Folder that fills while a model is fetched; it stays when the download is stopped. */
const incomingOf = (folder: string): string => `${folder}.incoming`;

async function fetchAll({ wish, folder, options, meter }: Fetching): Promise<void> {
  const { env = process.env, hub = {}, signal } = options;
  const base = hubAddress(env, hub.url);
  const network = networkOf(options);
  const incoming = incomingOf(folder);
  makeFolder(incoming);
  await assertRoom(incoming, wish.files.model.bytes);
  for (const role of order) {
    const file = wish.files[role];
    if (file.sha256 === null && !isSafeWithoutDigest(base))
      throw new AppError('download_failed', `${base.origin} is not encrypted, and no digest of ${file.path} is known`, {
        hint: 'Use https, or name the digest of the model in model.sha256.',
      });
    const target = path.join(incoming, file.path);
    if (await isFetched(target, file, signal)) {
      meter.bytes(file.path, file.bytes ?? 0, file.bytes);
      continue;
    }
    await fetchFile({
      url: fileAddress(base, wish.source, file.path),
      target,
      file,
      network,
      patience: { ...usualPatience, ...options.patience },
      signal,
      onBytes: (done, total) => meter.bytes(file.path, done, total),
      onRetry: (reason, delayMs) => meter.tell('retrying', `${reason}; next attempt in ${Math.ceil(delayMs / 1000)} s`),
      onCheck: () => meter.tell('checking'),
    });
  }
}

/** Fetches, looks at what came, and puts it in place. */
async function fetchModel(fetching: Fetching, facts: FileFactsReader): Promise<void> {
  const { wish, folder, meter } = fetching;
  const incoming = incomingOf(folder);
  await fetchAll(fetching);
  meter.tell('checking');
  const found = await inspectModel(incoming, wish, facts);
  if (!('ready' in found)) {
    await rm(incoming, { recursive: true, force: true });
    const fault = 'fault' in found ? found.fault : 'it is not there';
    throw new AppError('model_unusable', `what ${wish.source.repository} holds cannot be used: ${fault}`, {
      hint: 'It was not kept. Name another repository or file in config.yaml under model.',
      ...('fault' in found && found.details !== undefined ? { details: found.details } : {}),
    });
  }
  await putInPlace(incoming, folder, found.ready.spec);
}

/**
 * Takes the lock; while somebody else downloads, waits. The model, when they have brought it meanwhile: also between
 * the first look for it and the lock.
 */
async function lockOrModel(
  folder: string,
  meter: DownloadMeter,
  options: DownloadOptions,
): Promise<{ lock: DownloadLock } | { ready: ReadyState }> {
  for (;;) {
    const lock = await takeDownload(folder);
    if (isDownloadLock(lock)) {
      const state = await findModel(options).catch(async (error: unknown) => {
        await lock.release();
        throw error;
      });
      if (state.state !== 'ready') return { lock };
      await lock.release();
      return { ready: state };
    }
    meter.tell('waiting', `process ${lock.pid} on ${lock.host} is downloading it`);
    await sleep(options.patience?.pollMs ?? pollMs, undefined, { signal: options.signal });
  }
}

/** A folder that is named stands above the cache: a download could not help. */
function assertNoDirectory(state: ModelState, directory: string | null): void {
  if (directory === null || state.state === 'ready') return;
  throw new AppError('model_unusable', state.reason, {
    hint: 'The folder is named by CONTEXTKIT_MODEL_DIR or the settings; without that name a model can be downloaded.',
  });
}

/**
 * Brings the model into the cache, unless it is here already. One process of a machine downloads, others wait for it.
 * Stopped by the signal or by a failure, it keeps what came and goes on from there the next time. Throws `cancelled`,
 * `download_failed`, `model_unusable` or, where nobody says from where, `model_missing`.
 */
export async function downloadModel(options: DownloadOptions): Promise<ReadyState> {
  const { wish, cache, facts, directory } = modelPlaces(options);
  const before = await findModel(options);
  if (before.state === 'ready') return before;
  assertNoDirectory(before, directory);
  const { source } = wish;
  if (source === null)
    throw new AppError('model_missing', `nothing says from where to download ${wish.id}`, {
      hint: 'Name its repository in model.repository, or import it from a folder.',
    });
  const folder = cachedFolder(cache, wish);
  const meter = downloadMeter(wish.files, options.onProgress);
  const ticking = setInterval(() => meter.tick(), tickMs);
  try {
    options.signal?.throwIfAborted();
    const got = await lockOrModel(folder, meter, options);
    if ('ready' in got) return got.ready;
    try {
      await fetchModel({ wish: { ...wish, source }, folder, options, meter }, facts);
    } finally {
      await got.lock.release();
    }
  } catch (error) {
    throw toAppError(error, modelsFolder(cache), options.signal);
  } finally {
    clearInterval(ticking);
  }
  const state = await findModel(options);
  if (state.state !== 'ready') throw new AppError('model_unusable', state.reason, { hint: state.nextStep });
  meter.tell('done');
  return state;
}
