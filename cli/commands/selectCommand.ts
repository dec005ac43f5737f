import { createReadStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { addAbortSignal } from 'node:stream';
import { text } from 'node:stream/consumers';
import { AppError } from '../../core/errors.ts';
import { budgetLimits, packFormats, packModes } from '../../protocol/index.ts';
import type { Engine, PackFormat, PackMode, SelectResult } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { explanation } from '../output/explanation.ts';
import { packLines } from '../output/packLines.ts';
import { prepareAnswers, withWorkspace, type OpenWorkspace, type Session } from '../session.ts';

export interface SelectOptions {
  budget?: string;
  format?: string;
  mode?: string;
  sources?: string;
  limit?: string;
  includeImports?: boolean;
  have?: string;
  session?: string;
  explain?: boolean;
  /** False with --no-index. */
  index: boolean;
  queries?: string;
  jsonLines?: boolean;
}

const mostBatchResults = 200;

function wholeNumber(text: string, option: string): number {
  if (!/^\d+$/.test(text)) {
    throw new AppError('invalid_input', `${option} takes a whole number, not "${text}"`, {
      hint: `For example ${option} 8000.`,
    });
  }
  return Number(text);
}

function oneOf<T extends string>(text: string, known: readonly T[], option: string): T {
  if ((known as readonly string[]).includes(text)) return text as T;
  throw new AppError('invalid_input', `${option} cannot be "${text}"`, { hint: `Use one of: ${known.join(', ')}.` });
}

async function readStandardInput(signal: AbortSignal): Promise<string> {
  if (process.stdin.isTTY) {
    throw new AppError('invalid_input', 'nothing comes in from standard input', {
      hint: 'Pipe the query in, or give it as an argument.',
    });
  }
  try {
    return await text(addAbortSignal(signal, process.stdin));
  } catch (error) {
    if (signal.aborted) throw new AppError('cancelled', 'stopped while reading standard input', { cause: error });
    throw error;
  }
}

async function queryOf(query: string | undefined, mode: PackMode, signal: AbortSignal): Promise<string> {
  if (query === undefined && mode === 'map') return '';
  if (query === undefined) {
    throw new AppError('invalid_input', 'there is no query', {
      hint: 'For example: contextkit select "where are routes matched"',
    });
  }
  return query === '-' ? await readStandardInput(signal) : query;
}

const listOf = (text: string | undefined): string[] | undefined =>
  text
    ?.split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');

/** A budget is checked before any indexing, so that a slip is told at once. */
function budgetOf(text: string): number {
  const budget = wholeNumber(text, '--budget');
  if (budget >= budgetLimits.least && budget <= budgetLimits.most) return budget;
  throw new AppError('invalid_input', `a budget of ${budget} tokens is out of range`, {
    hint: `Use a whole number from ${budgetLimits.least} to ${budgetLimits.most}.`,
  });
}

function print({ terminal, common }: Session, result: SelectResult, explain: boolean): void {
  if (common.json === true) {
    terminal.out(`${JSON.stringify(result)}\n`);
    return;
  }
  terminal.out(result.context);
  if (explain) for (const line of explanation(result.chunks, terminal.noteStyle)) terminal.note(line);
  for (const line of packLines(result.metadata)) terminal.note(terminal.noteStyle.dim(line));
}

function nothing({ terminal, common }: Session, result: SelectResult, query: string): number {
  if (common.json === true) terminal.out(`${JSON.stringify(result)}\n`);
  else if (result.metadata.held > 0) terminal.out(result.context);
  const says =
    result.metadata.held > 0
      ? 'Nothing is new: the conversation has all that matches.'
      : query.trim() === ''
        ? 'There is no code to map. `contextkit status` shows what is indexed.'
        : 'Nothing matches. Try other words, or `contextkit status` to see what is indexed.';
  terminal.note(says);
  return exitCodes.nothingFound;
}

export async function selectCommand(
  session: Session,
  given: string | undefined,
  options: SelectOptions,
): Promise<number> {
  if (options.queries !== undefined) return batch(session, options.queries, options);
  const mode: PackMode = oneOf(options.mode ?? 'full', packModes, '--mode');
  const query = await queryOf(given, mode, session.signal);
  if (query.trim() === '' && mode === 'full') {
    throw new AppError('invalid_input', 'the query is empty', { hint: 'Say in a few words what you look for.' });
  }
  const budget = options.budget === undefined ? undefined : budgetOf(options.budget);
  const format: PackFormat | undefined =
    options.format === undefined ? undefined : oneOf(options.format, packFormats, '--format');
  const limit = options.limit === undefined ? undefined : wholeNumber(options.limit, '--limit');
  const sources = listOf(options.sources);
  const have = listOf(options.have);
  const answer = async ({ engine, config }: OpenWorkspace): Promise<number> => {
    if (options.index) await prepareAnswers(session, engine);
    await assertIndexed(engine);
    const result = await engine.select({
      query,
      budget: budget ?? config.budget ?? budgetLimits.default,
      format: format ?? config.format ?? 'markdown',
      mode,
      explain: options.explain === true,
      signal: session.signal,
      ...(limit === undefined ? {} : { limit }),
      ...(sources === undefined ? {} : { sources }),
      ...(have === undefined ? {} : { have }),
      ...(options.session === undefined ? {} : { session: options.session }),
      includeImports: options.includeImports === true,
    });
    if (result.metadata.filesIncluded === 0) return nothing(session, result, query);
    print(session, result, options.explain === true);
    return exitCodes.ok;
  };
  return withWorkspace(session, answer, { preload: true, byMeaning: true });
}

async function assertIndexed(engine: Engine): Promise<void> {
  const { state } = await engine.status();
  if (state !== 'empty') return;
  throw new AppError('index_missing', 'this folder is not indexed yet', {
    hint: 'Run `contextkit index` first, or leave out --no-index.',
  });
}

interface BatchQuery {
  id: string;
  query: string;
}

/** A line of the batch, or what is wrong with it. */
function parseLine(line: string): BatchQuery | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  if (typeof value !== 'object' || value === null) return 'expected an object with "id" and "query"';
  const { id, query } = value as { id?: unknown; query?: unknown };
  if (typeof id !== 'string' && typeof id !== 'number') return '"id" is missing';
  if (typeof query !== 'string') return '"query" is missing or not a text';
  return { id: String(id), query };
}

async function* linesOf(file: string, { cwd, signal }: Session): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(path.resolve(cwd, file));
  try {
    yield* createInterface({ input, crlfDelay: Infinity, signal });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError('invalid_input', `the queries cannot be read: ${file} (${String(code)})`, {
      hint: 'Give a file of JSON lines, or - for standard input.',
      cause: error,
    });
  }
  if (signal.aborted) throw new AppError('cancelled', 'stopped while reading the queries');
}

/** JSON lines in, JSON lines out, in order; bad lines are named and the good ones answered. */
function batch(session: Session, file: string, options: SelectOptions): Promise<number> {
  const limit = Math.min(
    mostBatchResults,
    options.limit === undefined ? mostBatchResults : wholeNumber(options.limit, '--limit'),
  );
  return withWorkspace(
    session,
    async ({ engine }) => {
      if (options.index) await prepareAnswers(session, engine);
      await assertIndexed(engine);
      let number = 0;
      let faults = 0;
      for await (const line of linesOf(file, session)) {
        number++;
        if (line.trim() === '') continue;
        const parsed = parseLine(line);
        if (typeof parsed === 'string') {
          faults++;
          session.terminal.note(`line ${number}: ${parsed}`);
          continue;
        }
        const ranked =
          parsed.query.trim() === '' ? [] : await engine.rank(parsed.query, { limit, signal: session.signal });
        const results = ranked.map((range) => ({
          path: range.path,
          start_line: range.startLine,
          end_line: range.endLine,
          score: range.score,
        }));
        session.terminal.out(`${JSON.stringify({ id: parsed.id, results })}\n`);
      }
      return faults > 0 ? exitCodes.usage : exitCodes.ok;
    },
    { byMeaning: true },
  );
}
