import * as z from 'zod';

/** What a change of a setting takes to act. */
export type Applies = 'live' | 'reindex' | 'restart';

export interface Setting<Schema extends z.ZodType = z.ZodType> {
  schema: Schema;
  apply: Applies;
  /** One sentence, shown in the editor's settings and in the reference. */
  says: string;
  /** Also a key of .contextkit/config.yaml. */
  inConfig: boolean;
  /** Also a setting of the editor. */
  inEditor: boolean;
  /** Names a place on the machine or an address: in the editor the user sets it, never a workspace. */
  ofMachine: boolean;
}

function setting<Schema extends z.ZodType>(
  schema: Schema,
  rest: Omit<Setting, 'schema' | 'inConfig' | 'inEditor' | 'ofMachine'> &
    Partial<Pick<Setting, 'inConfig' | 'inEditor' | 'ofMachine'>>,
): Setting<Schema> {
  return { inConfig: false, inEditor: true, ofMachine: false, ...rest, schema };
}

export const packFormats = ['markdown', 'xml', 'json', 'plain'] as const;
export const packModes = ['full', 'map'] as const;
export const onBattery = ['pause', 'slow', 'continue'] as const;
export const budgetLimits = { least: 500, most: 100_000, default: 8_000 } as const;

const weight = (most: number) => z.number().min(0).max(most).optional();

/** Weights of the ranking that a repository may set for itself. */
export const rankingWeights = z.strictObject({
  name: weight(3),
  near: weight(2),
  path: weight(3),
  support: weight(1),
  spread: weight(2),
  meaning: weight(2),
  tests: weight(2),
  testPrior: weight(2),
  docsPrior: weight(2),
  recency: weight(2),
  coChange: weight(2),
  pastChanges: weight(2),
});

/** Weights that were fitted, by what they were fitted for: words, or the fingerprint of a model. */
const tunedRanking = z.record(
  z.string().regex(/^(words|[0-9a-f]{24})$/, 'expected "words" or the fingerprint of a model'),
  z.strictObject({
    model: z.string().optional(),
    index: z.number().int().min(0),
    ranking: z.number().int().min(0),
    weights: rankingWeights,
  }),
);

/** An embedding model in place of the product's own. No folder: that would let a repository choose what runs. */
export const embeddingModel = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected letters, digits, dots, dashes and underscores')
    .optional(),
  repository: z
    .string()
    .regex(/^[\w-][\w.-]*\/[\w-][\w.-]*$/, 'expected owner/name')
    .optional(),
  revision: z.string().min(1).optional(),
  file: z.string().min(1).optional(),
  dimensions: z.number().int().min(1).max(8192).optional(),
  pooling: z.enum(['mean', 'cls']).optional(),
  maxTokens: z.number().int().min(8).max(512).optional(),
  queryPrefix: z.string().max(1000).optional(),
  textPrefix: z.string().max(1000).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
});

/** The one place where settings are declared: the editor's manifest, config.yaml and the reference are made from it. */
export const settings = {
  enable: setting(z.boolean().default(true), {
    apply: 'restart',
    says: 'Index the workspace and answer questions about it.',
  }),
  indexOnOpen: setting(z.boolean().default(true), {
    apply: 'live',
    says: 'Bring the index up to date when a folder is opened.',
  }),
  budget: setting(z.number().int().min(budgetLimits.least).max(budgetLimits.most).default(budgetLimits.default), {
    apply: 'live',
    says: 'How many tokens a pack of context may have (o200k tokens).',
    inConfig: true,
  }),
  format: setting(z.enum(packFormats).default('markdown'), {
    apply: 'live',
    says: 'How a pack is written.',
    inConfig: true,
  }),
  maxFileKb: setting(z.number().int().min(1).max(102_400).default(1024), {
    apply: 'reindex',
    says: 'Files larger than this are not indexed (KB).',
    inConfig: true,
  }),
  include: setting(z.array(z.string().min(1)).default([]), {
    apply: 'reindex',
    says: 'Index only what matches one of these patterns (gitignore syntax); empty means everything.',
    inConfig: true,
  }),
  exclude: setting(z.array(z.string().min(1)).default([]), {
    apply: 'reindex',
    says: 'Never index what matches one of these patterns (gitignore syntax), after every ignore file.',
    inConfig: true,
  }),
  parseTimeoutMs: setting(z.number().int().min(100).max(600_000).default(10_000), {
    apply: 'reindex',
    says: 'A file whose syntax takes longer to parse is chunked by lines (milliseconds).',
    inConfig: true,
  }),
  parseWorkers: setting(z.number().int().min(0).max(16).default(0), {
    apply: 'restart',
    says: 'Threads that parse files; 0 means as many as there are cores, at most 4.',
    inConfig: true,
  }),
  watch: setting(z.enum(['auto', 'poll', 'off']).default('auto'), {
    apply: 'restart',
    says: 'How changes outside the editor are noticed: auto takes the events of the file system, and looks at the folder from time to time where none can be expected (network drives); poll always looks; off notices only what is saved in the editor.',
  }),
  watchIntervalSeconds: setting(z.number().int().min(1).max(3_600).default(30), {
    apply: 'restart',
    says: 'How often the folder is looked at where no events can be expected (seconds). Only sizes and times are compared.',
  }),
  ranking: setting(rankingWeights.extend({ tuned: tunedRanking.optional() }).default({}), {
    apply: 'restart',
    says: `Weights of the ranking for this repository: ${Object.keys(rankingWeights.shape).join(', ')}. Below \`tuned\` stands what \`contextkit score --tune\` has found, each with the model and the versions of index and ranking that it was fitted to: it comes before weights set by hand, and is used for nothing else.`,
    inConfig: true,
    inEditor: false,
  }),
  indexDirectory: setting(z.string().default(''), {
    apply: 'restart',
    says: 'Where indexes are kept, as an absolute folder; each workspace folder gets its own in it. Empty means .contextkit in the workspace folder.',
    ofMachine: true,
  }),
  embeddings: setting(z.enum(['on', 'off']).default('on'), {
    apply: 'restart',
    says: 'Search by meaning besides words, with an embedding model that runs on this machine. Without a model, and with off, search is by words alone.',
    inConfig: true,
  }),
  model: setting(embeddingModel.default({}), {
    apply: 'restart',
    says: `An embedding model in place of gte-small (BERT-like, in the layout of transformers.js): ${Object.keys(embeddingModel.shape).join(', ')}. What is left out is read from its own files.`,
    inConfig: true,
    inEditor: false,
  }),
  modelDirectory: setting(z.string().default(''), {
    apply: 'restart',
    says: 'A folder with an embedding model that is used in place, absolute. Empty means the one that came with ContextKit or was downloaded.',
    ofMachine: true,
  }),
  modelUrl: setting(z.string().default(''), {
    apply: 'live',
    says: 'Address of the model hub, for a mirror inside a company. Empty means huggingface.co.',
    ofMachine: true,
  }),
  modelCertificates: setting(z.string().default(''), {
    apply: 'live',
    says: 'A file with certificates (PEM) that are trusted when the model is downloaded, besides those of the system.',
    ofMachine: true,
  }),
  embeddingProcesses: setting(z.number().int().min(0).max(64).default(0), {
    apply: 'restart',
    says: 'Processes that embed; 0 means one less than there are cores.',
    inConfig: true,
  }),
  embeddingCpuPercent: setting(z.number().int().min(1).max(100).default(100), {
    apply: 'restart',
    says: "How much of the machine's processors embedding may take in the mean, in percent of all cores; questions do not wait. It counts what the processes have really used. On the command line CONTEXTKIT_EMBEDDING_CPU_PERCENT comes before it.",
    inConfig: true,
  }),
  embeddingOnBattery: setting(z.enum(onBattery).default('slow'), {
    apply: 'restart',
    says: 'What embedding does on battery: pause, slow (a quarter of its share), continue. Questions are answered all the same. On the command line it continues unless config.yaml or CONTEXTKIT_EMBEDDING_ON_BATTERY says otherwise.',
    inConfig: true,
  }),
  embeddingMemoryMb: setting(z.number().int().min(0).max(1_048_576).default(1024), {
    apply: 'restart',
    says: 'A process that embeds and takes more memory than this (MB) is ended and started anew; 0 means no ceiling. There are never more processes than fit into the free memory.',
    inConfig: true,
  }),
  embeddingCacheMb: setting(z.number().int().min(64).max(1_048_576).default(2048), {
    apply: 'restart',
    says: 'How much of the disk the embeddings of all repositories may take (MB); the oldest go first.',
    inConfig: true,
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export type Settings = { [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> };

export const settingNames = Object.keys(settings) as SettingName[];
export const editorNames = settingNames.filter((name) => settings[name].inEditor);
export const configNames = settingNames.filter((name) => settings[name].inConfig);

/** Every setting at its default. */
export function defaultSettings(): Settings {
  return Object.fromEntries(settingNames.map((name) => [name, settings[name].schema.parse(undefined)])) as Settings;
}

export interface SettingsProblem {
  setting: string;
  message: string;
}

/** Takes what is valid; what is not keeps its default and is named. For settings that people edit by hand. */
export function readSettings(raw: Readonly<Record<string, unknown>>): {
  settings: Settings;
  problems: SettingsProblem[];
} {
  const problems: SettingsProblem[] = [];
  const entries = settingNames.map((name) => {
    const parsed = settings[name].schema.safeParse(raw[name] ?? undefined);
    if (parsed.success) return [name, parsed.data];
    problems.push({ setting: name, message: parsed.error.issues.map((issue) => issue.message).join('; ') });
    return [name, settings[name].schema.parse(undefined)];
  });
  return { settings: Object.fromEntries(entries) as Settings, problems };
}
