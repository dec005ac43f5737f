import { exitCodes } from '../exitCodes.ts';
import { wholeNumber } from '../output/options.ts';
import { symbolLines } from '../output/symbolLines.ts';
import { startOf } from '../output/terminal.ts';
import { prepareAnswers, withWorkspace, type Session } from '../session.ts';

export interface SymbolOptions {
  exact?: boolean;
  prefix?: boolean;
  limit: string;
  index: boolean;
}

export function symbolCommand(session: Session, name: string, options: SymbolOptions): Promise<number> {
  const limit = wholeNumber('--limit', options.limit);
  const match = options.exact === true ? 'exact' : options.prefix === true ? 'prefix' : 'any';
  return withWorkspace(session, async ({ engine }) => {
    if (options.index) await prepareAnswers(session, engine);
    const found = await engine.symbols({ name, match, limit });
    const { terminal } = session;
    if (session.common.json === true) terminal.out(`${JSON.stringify({ symbols: found })}\n`);
    else for (const line of symbolLines(found, terminal.outStyle)) terminal.out(`${line}\n`);
    if (found.length > 0) return exitCodes.ok;
    terminal.note(
      `No symbol is called "${startOf(name)}"${match === 'any' ? '' : `; without --${match}, parts of names match, too`}.`,
    );
    return exitCodes.nothingFound;
  });
}
