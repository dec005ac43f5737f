import { AppError } from '../../core/errors.ts';
import { exitCodes } from '../exitCodes.ts';
import { printable } from '../output/terminal.ts';
import { prepareAnswers, withWorkspace, type Session } from '../session.ts';

export function symbolCommand(
  session: Session,
  name: string,
  options: { exact: boolean; limit: string; index: boolean },
): Promise<number> {
  if (!/^[1-9]\d*$/.test(options.limit)) {
    throw new AppError('invalid_input', `--limit takes a whole number from 1, not "${options.limit}"`, {
      hint: 'For example --limit 20.',
    });
  }
  return withWorkspace(session, async ({ engine }) => {
    if (options.index) await prepareAnswers(session, engine);
    const found = await engine.symbols({ name, exact: options.exact, limit: Number(options.limit) });
    const { terminal } = session;
    if (session.common.json === true) terminal.out(`${JSON.stringify({ symbols: found })}\n`);
    else {
      const style = terminal.outStyle;
      for (const symbol of found) {
        const scope = [...symbol.container, symbol.name].join(' › ');
        terminal.out(
          `${printable(symbol.path)}:${symbol.line}  ${style.dim(symbol.kind)} ${style.bold(printable(scope))}\n    ${printable(symbol.signature)}\n`,
        );
      }
    }
    if (found.length > 0) return exitCodes.ok;
    terminal.note(
      `No symbol is called "${printable(name)}"${options.exact ? '; without --exact, parts of names match, too' : ''}.`,
    );
    return exitCodes.nothingFound;
  });
}
