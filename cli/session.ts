import { AppError, hasErrorCode } from '../core/errors.ts';
import {
  openEmbeddings,
  openEngine,
  type Embeddings,
  type Engine,
  type EngineOptions,
  type EngineSettings,
  type IndexReport,
  type ModelSettings,
  type VectorStatus,
} from '../server/engine/index.ts';
import { openEmbeddingProgress, openProgress } from './output/progressLine.ts';
import type { Terminal } from './output/terminal.ts';
import { pause, writerName } from './otherWriter.ts';
import { findRoot, readConfig } from './workspace.ts';
import { defaultSettings, settings, type Config, type SettingName, type Settings } from '../protocol/index.ts';

/** Options that every command takes. */
export interface CommonOptions {
  root?: string;
  indexDir?: string;
  json?: boolean;
  /** False with --no-embed; true with --embed. */
  embed?: boolean;
}

/** What a command works with. */
export interface Session {
  terminal: Terminal;
  cwd: string;
  signal: AbortSignal;
  common: CommonOptions;
  env: NodeJS.ProcessEnv;
}

export interface OpenWorkspace {
  root: string;
  config: Config;
  engine: Engine;
  /** Undefined where search by words is all that is wanted. */
  embeddings: Embeddings | undefined;
}

export interface WorkspaceOptions extends Pick<EngineOptions, 'access' | 'preload'> {
  /** The command ranks, so the embedding model is used where there is one. */
  byMeaning?: boolean;
  /** The process stays and answers many questions: it embeds behind them, as politely as an editor. */
  stays?: boolean;
}

/** Between two looks for the first results of another process. */
const waitMs = 250;
/** In a process that stays nobody waits longer for an answer that is a little better; the next one is. */
const linkWaitMs = 200;

/** What config.yaml says to the engine; what it does not name is left to the engine. */
export function engineSettings({
  maxFileKb,
  include,
  exclude,
  parseTimeoutMs,
  ranking,
}: Config): Partial<EngineSettings> {
  return {
    ...(maxFileKb === undefined ? {} : { maxFileKb }),
    ...(include === undefined ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
    ...(parseTimeoutMs === undefined ? {} : { parseTimeoutMs }),
    ...(ranking === undefined ? {} : { ranking }),
  };
}

/** What config.yaml and the environment say of the embedding model. */
export function modelSettings({ env }: Session, { model }: Config): ModelSettings {
  return { env, ...(model === undefined ? {} : { model }) };
}

/** A setting as the environment names it; undefined where it does not. */
function fromEnvironment<Name extends SettingName>(
  { env }: Session,
  variable: string,
  name: Name,
  convert: (text: string) => unknown = (text) => text,
): Settings[Name] | undefined {
  const text = env[variable] ?? '';
  if (text === '') return undefined;
  const parsed = settings[name].schema.safeParse(convert(text));
  if (parsed.success) return parsed.data as Settings[Name];
  throw new AppError('invalid_config', `${variable}: ${parsed.error.issues.map(({ message }) => message).join('; ')}`, {
    hint: `It is the setting ${name}; docs/settings.md lists what it takes.`,
  });
}

/**
 * Undefined when they are switched off.
 * @param isAwaited somebody waits for the vectors
 */
export function embeddingsOf(session: Session, config: Config, isAwaited = true): Embeddings | undefined {
  if (session.common.embed === false || config.embeddings === 'off') return undefined;
  const usual = defaultSettings();
  const { embeddingProcesses, embeddingCacheMb, embeddingMemoryMb = usual.embeddingMemoryMb } = config;
  const cpuPercent = fromEnvironment(session, 'CONTEXTKIT_EMBEDDING_CPU_PERCENT', 'embeddingCpuPercent', Number);
  // Who types a command waits for it: on battery, too, unless they have said otherwise.
  const onBattery = fromEnvironment(session, 'CONTEXTKIT_EMBEDDING_ON_BATTERY', 'embeddingOnBattery');
  return openEmbeddings({
    ...modelSettings(session, config),
    cpuPercent: cpuPercent ?? config.embeddingCpuPercent ?? usual.embeddingCpuPercent,
    onBattery: onBattery ?? config.embeddingOnBattery ?? (isAwaited ? 'continue' : usual.embeddingOnBattery),
    memoryMb: embeddingMemoryMb,
    ...(embeddingProcesses === undefined ? {} : { processes: embeddingProcesses }),
    ...(embeddingCacheMb === undefined ? {} : { cacheMb: embeddingCacheMb }),
  });
}

export async function openWorkspace(
  session: Session,
  { access = 'auto', preload = false, byMeaning = false, stays = false }: WorkspaceOptions = {},
): Promise<OpenWorkspace> {
  const root = findRoot(session.common.root, session.cwd);
  const config = await readConfig(root);
  const { parseWorkers } = config;
  const embeddings = byMeaning ? embeddingsOf(session, config, !stays) : undefined;
  const engine = await openEngine({
    root,
    access,
    preload,
    program: 'contextkit',
    ...(session.common.indexDir === undefined ? {} : { indexDir: session.common.indexDir }),
    ...(parseWorkers === undefined || parseWorkers === 0 ? {} : { parseWorkers }),
    settings: engineSettings(config),
    ...(embeddings === undefined ? {} : { embeddings, embedInBackground: stays }),
    ...(stays ? { linkWaitMs } : {}),
  });
  return { root, config, engine, embeddings };
}

/** Opens the workspace, lets `work` use it, and closes it whatever happens. */
export async function withWorkspace<T>(
  session: Session,
  work: (workspace: OpenWorkspace) => Promise<T>,
  options: WorkspaceOptions = {},
): Promise<T> {
  const workspace = await openWorkspace(session, options);
  try {
    return await work(workspace);
  } finally {
    await workspace.engine.close();
    await workspace.embeddings?.close();
  }
}

/** Indexes with a progress line. */
export async function indexWithProgress(
  { terminal, signal }: Session,
  engine: Engine,
  force = false,
): Promise<IndexReport> {
  const progress = openProgress(terminal);
  try {
    return await engine.index({ signal, force, onProgress: (now) => progress.show(now) });
  } finally {
    progress.clear();
  }
}

/** Gives every chunk a vector, with a progress line. */
export async function embedWithProgress({ terminal, signal }: Session, engine: Engine): Promise<VectorStatus> {
  const progress = openEmbeddingProgress(terminal);
  try {
    return await engine.embed({ signal, onProgress: (now) => progress.show({ ...now, phase: now.state }) });
  } finally {
    progress.clear();
  }
}

/** Makes sure that there is something to answer from: an up-to-date index, or what another process has written so far. */
export async function prepareAnswers(session: Session, engine: Engine): Promise<void> {
  for (let told = false; ; told = true) {
    if (engine.role === 'writer') {
      await indexWithProgress(session, engine);
      return;
    }
    const status = await engine.status();
    if (status.generation > 0) {
      session.terminal.note(`Answering from what ${writerName(status.writer)} has indexed so far.`);
      return;
    }
    if (!told) session.terminal.note(`Waiting for the first results of ${writerName(status.writer)}. Ctrl-C to stop.`);
    await pause(session.signal, waitMs);
    try {
      await engine.index({ signal: session.signal });
      return;
    } catch (error) {
      if (!hasErrorCode(error, 'index_locked')) throw error;
    }
  }
}
