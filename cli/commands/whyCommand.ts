import path from 'node:path';
import { exitCodes } from '../exitCodes.ts';
import { whyLines } from '../output/whyLines.ts';
import { withWorkspace, type Session } from '../session.ts';

export function whyCommand(session: Session, asked: string, options: { query?: string }): Promise<number> {
  return withWorkspace(
    session,
    async ({ engine, root }) => {
      // As typed: relative to where the user stands; inside the folder also relative to its top.
      const absolute = path.resolve(session.cwd, asked);
      const inside = !path.relative(root, absolute).startsWith('..');
      const report = await engine.why(inside ? absolute : asked, options.query);
      if (session.common.json === true) session.terminal.out(`${JSON.stringify(report)}\n`);
      else session.terminal.out(`${whyLines(report, session.terminal.outStyle, ' (--json lists them)').join('\n')}\n`);
      return report.indexed ? exitCodes.ok : exitCodes.nothingFound;
    },
    { access: 'read', byMeaning: options.query !== undefined },
  );
}
