import { exitCodes } from '../exitCodes.ts';
import { counted } from '../output/terminal.ts';
import { prepareAnswers, withWorkspace, type Session } from '../session.ts';

const demoBudget = 1_500;
const shownLines = 40;

/** Words of a path, for a question that suits any repository: `server/parsePool.ts` → "server parse pool". */
function wordsOf(path: string): string {
  const bare = path
    .replace(/\.[^./]*$/, '')
    .split('/')
    .slice(-2)
    .join(' ');
  return bare
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/[_.-]+/g, ' ')
    .toLowerCase();
}

/** What `npm start` shows: index where one stands, ask a question about it, say what to try next. */
export function demoCommand(session: Session): Promise<number> {
  return withWorkspace(session, async ({ engine, root }) => {
    const { terminal } = session;
    const style = terminal.outStyle;
    terminal.out(`${style.bold('ContextKit')} indexes ${root}\n`);
    await prepareAnswers(session, engine);
    const status = await engine.status();
    if (status.files === 0) {
      terminal.out('There is nothing to index in this folder. Try: npm start -- select "a question" --root FOLDER\n');
      return exitCodes.nothingFound;
    }
    terminal.out(
      `${counted(status.files, 'file')}, ${counted(status.lines, 'line')}, ${counted(status.chunks, 'chunk')}, ${counted(status.symbols, 'symbol')}\n\n`,
    );
    // The file that answers most to what an entry point is about; its own words make the question.
    const [best] = await engine.rank('main entry point open start run handle request', { limit: 1 });
    const question = best === undefined ? 'how does this work' : `how does ${wordsOf(best.path)} work`;
    const result = await engine.select({ query: question, budget: demoBudget, signal: session.signal });
    terminal.out(`${style.dim('$')} contextkit select ${JSON.stringify(question)} --budget ${demoBudget}\n\n`);
    const lines = result.context.trimEnd().split('\n');
    terminal.out(
      `${lines.slice(0, shownLines).join('\n')}\n${lines.length > shownLines ? style.dim(`… ${lines.length - shownLines} more lines\n`) : ''}\n`,
    );
    const { tokensUsed, filesIncluded, processingMs } = result.metadata;
    terminal.out(
      style.dim(`${counted(filesIncluded, 'file')}, ${tokensUsed} tokens, ${Math.round(processingMs)} ms\n\n`),
    );
    terminal.out(
      [
        'Try next:',
        '  npm start -- select "your question"            the right code, ready to paste',
        '  npm start -- select "your question" --mode map  signatures only',
        '  npm start -- symbol NAME                        where something is defined',
        '  npm start -- status                             what is indexed, and what is not and why',
        '  npm start -- --help                             everything else',
        '',
      ].join('\n'),
    );
    return exitCodes.ok;
  });
}
