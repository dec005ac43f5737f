import { Command, CommanderError, Option } from 'commander';
import { exitCodes, exitMeanings } from './exitCodes.ts';
import type { CacheOptions } from './commands/cacheCommand.ts';
import type { GraphOptions } from './commands/graphCommand.ts';
import type { ModelCommandOptions } from './commands/modelCommand.ts';
import type { ScoreCommandOptions } from './commands/scoreCommand.ts';
import type { SelectOptions } from './commands/selectCommand.ts';
import type { SymbolOptions } from './commands/symbolCommand.ts';
import type { CommonOptions, Session } from './session.ts';
import { packFormats, packModes } from '../protocol/index.ts';

export interface ProgramContext {
  version: string;
  /** Makes the session of a command once its options are known. */
  session: (options: CommonOptions & { color: boolean; quiet?: boolean }) => Session;
  /** Takes the exit code of the command that ran. */
  finish: (code: number) => void;
}

const examples = `
Examples:
  contextkit select "where are routes matched"
  contextkit select "retry after a failed request" --budget 4000 --format xml
  contextkit map --budget 2000
  contextkit symbol parseConfig
  contextkit graph Router.match --depth 2
`;

/** Exit codes as the help shows them. */
function exitCodeHelp(): string {
  const rows = Object.entries(exitCodes).map(
    ([name, code]) => `  ${String(code).padStart(3)}  ${exitMeanings[name as keyof typeof exitCodes]}`,
  );
  return `\nExit codes:\n${rows.join('\n')}\n`;
}

/** A question need not stand in quotes. */
const queryOf = (words: readonly string[]): string | undefined => (words.length === 0 ? undefined : words.join(' '));

/** Options that every command has. */
function withCommonOptions(command: Command): Command {
  return command
    .option('--root <dir>', 'folder to work on (default: the nearest repository upwards)')
    .option('--index-dir <dir>', 'keep the index there; the repository stays untouched')
    .option('--json', 'machine-readable output')
    .option('--no-color', 'no colours')
    .option('--quiet', 'no progress and no notes');
}

/**
 * All commands and options. Each action loads its own module, so that a command starts without the others.
 * Throws CommanderError in place of ending the process.
 */
export function createProgram({ version, session, finish }: ProgramContext): Command {
  const program = new Command('contextkit')
    .description('The right code for a question, inside a token budget.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', examples + exitCodeHelp())
    .showHelpAfterError('(contextkit --help shows every command)')
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();

  function add(name: string, description: string): Command {
    return withCommonOptions(program.command(name).description(description))
      .showHelpAfterError(`(contextkit ${name} --help shows what it takes; --root DIR names the folder to work on)`)
      .exitOverride();
  }
  type Options = CommonOptions & { color: boolean; quiet?: boolean };

  add('init', 'write .contextkit/config.yaml with every setting explained')
    .option('--force', 'write it anew if it exists')
    .action(async (options: Options & { force?: boolean }) => {
      const { initialize } = await import('./commands/initialize.ts');
      finish(await initialize(session(options), { force: options.force === true }));
    });

  add('index', 'bring the index up to date; where an editor keeps it, see to it that it is')
    .option('--force', 'read and parse every file again')
    .option('--no-wait', 'fail at once when another process writes the index')
    .option('--embed', 'return when every chunk has a vector, too')
    .option('--no-embed', 'search by words only: start no embedding')
    .action(async (options: Options & { force?: boolean; wait: boolean }) => {
      const { indexCommand } = await import('./commands/indexCommand.ts');
      finish(await indexCommand(session(options), { force: options.force === true, wait: options.wait }));
    });

  add('select', 'print the code that answers a question, packed into a token budget')
    .argument('[query...]', 'what you look for; - reads it from standard input; may be left out with --mode map')
    .option('--budget <tokens>', 'most tokens of the pack, 500 to 100000 (default: 8000)')
    .addOption(new Option('--format <format>', `${packFormats.join(', ')} (default: markdown)`))
    .addOption(new Option('--mode <mode>', `${packModes.join(', ')}: code, or signatures only (default: full)`))
    .option('--sources <list>', 'only these folders or globs, separated by commas')
    .option('--limit <n>', 'at most so many ranges')
    .option('--include-imports', 'also what the chosen code calls and names by type')
    .option('--have <ids>', 'leave out what the conversation has: ids of packs or ranges, separated by commas')
    .option('--session <name>', 'remember what was given under this name, and give only what is new')
    .option('--explain', 'show the parts of each score')
    .option('--no-index', 'answer from the index as it is, without bringing it up to date')
    .option('--no-embed', 'rank by words only')
    .option('--queries <file>', 'answer many queries: JSON lines {"id","query"}; - reads standard input')
    .option('--json-lines', 'with --queries: print JSON lines {"id","results"}, at most 200 results each (always so)')
    .action(async (words: string[], options: Options & SelectOptions) => {
      const { selectCommand } = await import('./commands/selectCommand.ts');
      finish(await selectCommand(session(options), queryOf(words), options));
    });

  add('map', 'print a map of the repository: its most used signatures, or those nearest to a question')
    .argument('[query...]', 'what you look for; without it, a map of the whole')
    .option('--budget <tokens>', 'most tokens of the map, 500 to 100000 (default: 8000)')
    .addOption(new Option('--format <format>', `${packFormats.join(', ')} (default: markdown)`))
    .option('--sources <list>', 'only these folders or globs, separated by commas')
    .option('--no-index', 'answer from the index as it is, without bringing it up to date')
    .option('--no-embed', 'rank by words only')
    .action(async (words: string[], options: Options & SelectOptions) => {
      const { selectCommand } = await import('./commands/selectCommand.ts');
      finish(await selectCommand(session(options), queryOf(words), { ...options, mode: 'map' }));
    });

  add('pack', 'compare packs that were given, and see what is remembered of them')
    .argument('<action>', 'diff A B, list, show ID, forget SESSION')
    .argument('[what...]', 'ids of packs, or files that hold one')
    .action(async (action: string, what: string[], options: Options) => {
      const { packCommand } = await import('./commands/packCommand.ts');
      finish(await packCommand(session(options), action, what));
    });

  add('symbol', 'find where a name is defined')
    .argument('<name>', 'a name, a part of one, or the beginnings of its words (gUP for getUrlParts)')
    .option('--exact', 'the whole name, in any letter case')
    .option('--prefix', 'names that begin with it')
    .option('--limit <n>', 'at most so many', '50')
    .option('--no-index', 'answer from the index as it is')
    .action(async (name: string, options: Options & SymbolOptions) => {
      const { symbolCommand } = await import('./commands/symbolCommand.ts');
      finish(await symbolCommand(session(options), name, options));
    });

  add('graph', 'show who calls a function or type, and what it calls')
    .argument('<symbol>', 'a name, or Type.member')
    .option('--callers', 'only who calls it')
    .option('--callees', 'only what it calls')
    .option('--references', 'every use of it: calls, types, values, imports')
    .option('--depth <hops>', 'hops to follow, 1 to 10', '1')
    .option('--in <path>', 'only definitions in this file or folder')
    .option('--limit <n>', 'at most so many edges in each direction, or references (default: 40; 200 with --json)')
    .option('--no-index', 'answer from the index as it is')
    .action(async (symbol: string, options: Options & GraphOptions) => {
      const { graphCommand } = await import('./commands/graphCommand.ts');
      finish(await graphCommand(session(options), symbol, options));
    });

  add('status', 'show what is indexed, and what is not and why')
    .option('--all', 'list every skipped path')
    .action(async (options: Options & { all?: boolean }) => {
      const { statusCommand } = await import('./commands/statusCommand.ts');
      finish(await statusCommand(session(options), { all: options.all === true }));
    });

  add('doctor', 'look over the index: whole, writable, room enough, nothing left behind')
    .option('--fix', 'mend what can be mended; nothing of yours is touched')
    .action(async (options: Options & { fix?: boolean }) => {
      const { doctorCommand } = await import('./commands/doctorCommand.ts');
      finish(await doctorCommand(session(options), { fix: options.fix === true }));
    });

  add('score', "score the ranking on this repository's own history, next to plain keyword search")
    .option('--commits <n>', 'ask at most so many commits, the newest that say what they change', '150')
    .option('--budget <tokens>', 'tokens for the range measure, 500 to 100000', '4000')
    .option('--min-recall <share>', 'end with exit code 7 when recall@10 is below it, 0 to 1')
    .option('--tune', 'look for better weights, and store those that are better with certainty in config.yaml')
    .option('--embed', 'embed each state of the past and rank by meaning, too')
    .action(async (options: Options & ScoreCommandOptions) => {
      const { scoreCommand } = await import('./commands/scoreCommand.ts');
      finish(await scoreCommand(session(options), options));
    });

  add('why', 'say why a path is, or is not, among the answers')
    .argument('<path>', 'a file or folder')
    .option('--query <text>', 'also its rank for this query')
    .option('--no-embed', 'rank by words only')
    .action(async (path: string, options: Options & { query?: string }) => {
      const { whyCommand } = await import('./commands/whyCommand.ts');
      finish(await whyCommand(session(options), path, options.query === undefined ? {} : { query: options.query }));
    });

  add('cache', 'show or prune the embeddings that are kept for all repositories')
    .argument('<action>', 'status, prune')
    .option('--max-size <size>', 'prune: what was used least recently goes, until it fits (500MB, 2GB)')
    .option('--all', 'prune: everything goes')
    .action(async (action: string, options: Options & CacheOptions) => {
      const { cacheCommand } = await import('./commands/cacheCommand.ts');
      finish(await cacheCommand(session(options), action, options));
    });

  add('model', 'see, fetch, import or remove the embedding model')
    .argument('<action>', 'status, download, import DIR, remove [ID]')
    .argument('[what...]', 'a folder that holds a model, or the id of one')
    .option('--id <name>', 'with import: take whatever model lies in the folder, under this name')
    .action(async (action: string, what: string[], options: Options & ModelCommandOptions) => {
      const { modelCommand } = await import('./commands/modelCommand.ts');
      finish(await modelCommand(session(options), action, what, options));
    });

  program
    .command('mcp')
    .description('answer an AI assistant: a server of the Model Context Protocol on standard input and output')
    .option(
      '--root <dir>',
      'the repository (default: the folder that the client has open, or the one around this folder)',
    )
    .option('--index-dir <dir>', 'keep the index there; the repository stays untouched')
    .option('--no-embed', 'rank by words only')
    .option('--quiet', 'no notes on standard error')
    .showHelpAfterError('(contextkit mcp --help shows what it takes)')
    .exitOverride()
    .action(async (options: CommonOptions & { quiet?: boolean }) => {
      const { mcpCommand } = await import('./commands/mcpCommand.ts');
      finish(await mcpCommand(session({ ...options, color: false }), version));
    });

  program
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .exitOverride()
    .action(async (shell: string) => {
      const { completionScript } = await import('./commands/completion.ts');
      process.stdout.write(completionScript(shell, program));
      finish(exitCodes.ok);
    });

  withCommonOptions(program.command('demo', { hidden: true }))
    .exitOverride()
    .action(async (options: Options) => {
      const { demoCommand } = await import('./commands/demoCommand.ts');
      finish(await demoCommand(session(options)));
    });

  return program;
}

export const isCommanderError = (error: unknown): error is CommanderError => error instanceof CommanderError;
