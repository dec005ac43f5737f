import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import {
  downloadModel,
  findModel,
  importModel,
  listModels,
  removeModel,
  type CachedModel,
  type ModelPlace,
  type ModelSettings,
  type ModelState,
  type ReadyModel,
} from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { openDownloadProgress } from '../output/progressLine.ts';
import { bytes, printable, type Style } from '../output/terminal.ts';
import { modelSettings, type Session } from '../session.ts';
import { findRoot, readConfig } from '../workspace.ts';

export interface ModelCommandOptions {
  id?: string;
}

const places: Record<ModelPlace, string> = {
  directory: 'the folder that is named',
  package: 'package, it came with the program',
  cache: 'cache',
};

function modelLines({ spec, dir, fingerprint }: ReadyModel): string[] {
  return [
    `Vectors    ${spec.dimensions} dimensions, ${spec.pooling} of the tokens, texts up to ${spec.maxTokens} tokens`,
    `Folder     ${printable(dir)}`,
    ...(spec.source === null ? [] : [`Origin     ${spec.source.repository}, ${spec.source.revision}`]),
    `SHA-256    ${spec.files.model.sha256 ?? ''}`,
    `Identity   ${fingerprint}`,
  ];
}

function statusLines(state: ModelState, cached: readonly CachedModel[], style: Style): string[] {
  const head =
    state.state === 'ready'
      ? [
          `${style.bold(printable(state.model.spec.id))} (${bytes(state.bytes)})`,
          `State      ${style.green('ready')}, from: ${places[state.from]}`,
          ...modelLines(state.model),
        ]
      : [
          style.bold(printable(state.id)),
          `State      ${style.yellow(state.state)}`,
          `Reason     ${printable(state.reason)}`,
          `Next       ${state.nextStep}`,
          'Search by words works without it.',
        ];
  const others = cached.filter(({ dir }) => state.state !== 'ready' || dir !== state.model.dir);
  const list = others.map(
    ({ id, revision, bytes: size, whole }) =>
      `  ${printable(id)}, ${printable(revision)} (${bytes(size)})${whole ? '' : ', not complete'}`,
  );
  return [...head, ...(list.length > 0 ? ['', 'Also in the cache:', ...list] : [])];
}

function print({ terminal, common }: Session, value: unknown, lines: readonly string[]): void {
  terminal.out(common.json === true ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
}

/** The model with what people and programs ask of it, flat. */
function described({ spec, dir, fingerprint }: ReadyModel): Record<string, unknown> {
  const { id, dimensions, pooling, maxTokens, queryPrefix, textPrefix, files, source } = spec;
  const sha256 = files.model.sha256;
  return { id, dir, fingerprint, dimensions, pooling, maxTokens, queryPrefix, textPrefix, sha256, source };
}

async function status(session: Session, settings: ModelSettings): Promise<number> {
  const state = await findModel(settings);
  const cached = await listModels(settings);
  const value =
    state.state === 'ready'
      ? { state: state.state, from: state.from, bytes: state.bytes, ...described(state.model), cached }
      : { ...state, cached };
  print(session, value, statusLines(state, cached, session.terminal.outStyle));
  return state.state === 'ready' ? exitCodes.ok : exitCodes.nothingFound;
}

async function download(session: Session, settings: ModelSettings): Promise<number> {
  const progress = openDownloadProgress(session.terminal);
  const started = performance.now();
  const before = await findModel(settings);
  const {
    model,
    bytes: size,
    from,
  } = await downloadModel({
    ...settings,
    signal: session.signal,
    onProgress: (now) => progress.show(now),
  }).finally(() => progress.clear());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const happened =
    before.state === 'ready' ? `is here already, from: ${places[from]}` : `(${bytes(size)}) is here after ${seconds} s`;
  print(session, { downloaded: before.state !== 'ready', from, bytes: size, ...described(model) }, [
    `${session.terminal.outStyle.bold(printable(model.spec.id))} ${happened}`,
    ...modelLines(model),
  ]);
  return exitCodes.ok;
}

async function take(session: Session, settings: ModelSettings, dir: string, id: string | undefined): Promise<number> {
  const { model, bytes: size, used } = await importModel(path.resolve(session.cwd, dir), { ...settings, id });
  const name = model.spec.id;
  print(session, { imported: true, used, bytes: size, ...described(model) }, [
    `${session.terminal.outStyle.bold(printable(name))} (${bytes(size)}) is in the cache now`,
    ...modelLines(model),
  ]);
  if (!used)
    session.terminal.note(
      `It is not the model that is used here. To use it, write \`model: { id: ${printable(name)} }\` into .contextkit/config.yaml.`,
    );
  return exitCodes.ok;
}

async function remove(session: Session, settings: ModelSettings, id: string | undefined): Promise<number> {
  const removed = await removeModel(id, settings);
  const freed = removed.reduce((sum, each) => sum + each.bytes, 0);
  const names = [...new Set(removed.map((each) => printable(each.id)))].join(', ');
  print(session, { removed, bytes: freed }, [
    removed.length === 0 ? 'There is no such model in the cache.' : `${names} is removed (${bytes(freed)}).`,
  ]);
  return removed.length === 0 ? exitCodes.nothingFound : exitCodes.ok;
}

interface Action {
  usage: string;
  /** How many arguments it takes: least and most. */
  takes: [number, number];
  run(
    session: Session,
    settings: ModelSettings,
    what: string | undefined,
    options: ModelCommandOptions,
  ): Promise<number>;
}

const actions: Record<string, Action> = {
  status: { usage: 'status', takes: [0, 0], run: (session, settings) => status(session, settings) },
  download: { usage: 'download', takes: [0, 0], run: (session, settings) => download(session, settings) },
  import: {
    usage: 'import DIR',
    takes: [1, 1],
    run: (session, settings, dir, { id }) => take(session, settings, dir!, id),
  },
  remove: { usage: 'remove [ID]', takes: [0, 1], run: (session, settings, id) => remove(session, settings, id) },
};

/** The embedding model: where it is, and how it gets here. Needs no index. */
export async function modelCommand(
  session: Session,
  action: string,
  what: readonly string[],
  options: ModelCommandOptions,
): Promise<number> {
  const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (known === undefined)
    throw new AppError('invalid_input', `contextkit model cannot "${action}"`, {
      hint: `Use one of: ${Object.keys(actions).join(', ')}.`,
    });
  const [least, most] = known.takes;
  if (what.length < least || what.length > most || (options.id !== undefined && action !== 'import'))
    throw new AppError('invalid_input', `this takes other arguments: contextkit model ${known.usage}`, {
      hint: 'See `contextkit model --help`.',
    });
  const config = await readConfig(findRoot(session.common.root, session.cwd));
  return known.run(session, modelSettings(session, config), what[0], options);
}
