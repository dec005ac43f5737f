import { AppError } from '../../core/errors.ts';
import type { Engine } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { noSuchSymbol } from '../noSuchSymbol.ts';
import { graphLines } from '../output/graphLines.ts';
import { wholeNumber } from '../output/options.ts';
import { referenceLines, type Wording } from '../output/referenceLines.ts';
import type { Style } from '../output/terminal.ts';
import { prepareAnswers, withWorkspace, type Session } from '../session.ts';

export interface GraphOptions {
  callers?: boolean;
  callees?: boolean;
  references?: boolean;
  depth: string;
  in?: string;
  limit?: string;
  index: boolean;
}

/** What a reader takes in, and what a program can. */
const defaultLimit = { shown: 40, json: 200 } as const;

const wording: Wording = { limit: '--limit', inside: '--in PATH' };

/** What is shown and how much was found. */
async function answerOf(
  engine: Engine,
  symbol: string,
  options: GraphOptions,
  limit: number,
  style: Style,
): Promise<{ answer: unknown; definitions: number; lines: () => string[] }> {
  const inside = options.in === undefined ? {} : { path: options.in };
  if (options.references === true) {
    const answer = await engine.references({ symbol, limit, ...inside });
    return { answer, definitions: answer.definitions.length, lines: () => referenceLines(answer, wording, style) };
  }
  const depth = wholeNumber('--depth', options.depth);
  const direction = options.callers === true ? 'callers' : options.callees === true ? 'callees' : 'both';
  const answer = await engine.graph({ symbol, depth, direction, limit, ...inside });
  return { answer, definitions: answer.definitions.length, lines: () => graphLines(answer, direction, wording, style) };
}

export function graphCommand(session: Session, symbol: string, options: GraphOptions): Promise<number> {
  wholeNumber('--depth', options.depth);
  const usual = session.common.json === true ? defaultLimit.json : defaultLimit.shown;
  const limit = options.limit === undefined ? usual : wholeNumber('--limit', options.limit);
  const chosen = (['callers', 'callees', 'references'] as const).filter((each) => options[each] === true);
  if (chosen.length > 1) {
    throw new AppError('invalid_input', `--${chosen[0]!} and --${chosen[1]!} exclude each other`, {
      hint: 'Without any of them, callers and callees are shown.',
    });
  }
  return withWorkspace(session, async ({ engine }) => {
    if (options.index) await prepareAnswers(session, engine);
    const { terminal } = session;
    const { answer, definitions, lines } = await answerOf(engine, symbol, options, limit, terminal.outStyle);
    if (session.common.json === true) terminal.out(`${JSON.stringify(answer)}\n`);
    else
      terminal.out(
        lines()
          .map((line) => `${line}\n`)
          .join(''),
      );
    if (definitions > 0) return exitCodes.ok;
    terminal.note(await noSuchSymbol(engine, symbol, options.in));
    return exitCodes.nothingFound;
  });
}
