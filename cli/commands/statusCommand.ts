import { exitCodes } from '../exitCodes.ts';
import { statusLines } from '../output/statusLines.ts';
import { withWorkspace, type Session } from '../session.ts';

/** What is indexed and what is not, without indexing anything. */
export function statusCommand(session: Session, options: { all: boolean }): Promise<number> {
  return withWorkspace(
    session,
    async ({ engine }) => {
      const status = await engine.status();
      const { terminal } = session;
      if (session.common.json === true) terminal.out(`${JSON.stringify(status)}\n`);
      else if (status.state === 'empty') terminal.out(`${status.root}\nNot indexed yet. Run \`contextkit index\`.\n`);
      else terminal.out(`${statusLines(status, terminal.outStyle, options.all).join('\n')}\n`);
      return status.state === 'empty' ? exitCodes.nothingFound : exitCodes.ok;
    },
    { access: 'read', byMeaning: true },
  );
}
