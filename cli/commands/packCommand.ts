import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { PackComparison, PackManifest, PackPart, Packs, PackSource } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { counted, printable, type Style } from '../output/terminal.ts';
import { withWorkspace, type Session } from '../session.ts';

/** Larger files hold no pack. */
const mostBytes = 64 * 2 ** 20;

const place = ({ path: file, startLine, endLine, kind }: PackPart): string =>
  `${printable(file)}:${kind === 'signature' ? startLine : `${startLine}-${endLine}`}`;

const note = ({ kind }: PackPart): string => (kind === 'body' ? '' : `  (${kind})`);

function sourceOf(given: string, cwd: string): PackSource {
  const file = path.resolve(cwd, given);
  if (!existsSync(file)) return { id: given };
  const stats = statSync(file);
  if (!stats.isFile() || stats.size > mostBytes) {
    throw new AppError('invalid_input', `${given} ${stats.isFile() ? 'is too large for a pack' : 'is not a file'}`, {
      hint: 'Give a file that holds a pack, or the id of one.',
    });
  }
  try {
    return { name: given, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new AppError('invalid_input', `${given} cannot be read (${String((error as NodeJS.ErrnoException).code)})`, {
      hint: 'Check its permissions.',
      cause: error,
    });
  }
}

function differenceLines(difference: PackComparison, style: Style): string[] {
  const { first, second, added, removed, changed, moved, same } = difference;
  const isEqual = added.length + removed.length + changed.length + moved.length === 0;
  return [
    style.bold(`${printable(first.id)} → ${printable(second.id)}`),
    ...removed.map((part) => style.red(`- ${place(part)}${note(part)}`)),
    ...changed.map(({ before, after }) => style.yellow(`~ ${place(after)}${note(after)}  was ${place(before)}`)),
    ...moved.map(({ before, after }) => `> ${place(after)}${note(after)}  was ${place(before)}${note(before)}`),
    ...added.map((part) => style.green(`+ ${place(part)}${note(part)}`)),
    isEqual
      ? `The packs show the same (${counted(same, 'part')}).`
      : `${removed.length} removed, ${changed.length} changed, ${moved.length} moved, ${added.length} added, ${same} the same`,
  ];
}

const when = (savedAt: string): string => savedAt.replace('T', ' ').replace(/\..*$/, '');

function manifestLine({ id, savedAt, mode, format, tokensUsed, budget, parts }: PackManifest, style: Style): string {
  const files = new Set(parts.map((part) => part.path)).size;
  return `${style.bold(id)}  ${when(savedAt)}  ${mode}, ${format}  ${tokensUsed} of ${budget} tokens  ${counted(files, 'file')}, ${counted(parts.length, 'part')}`;
}

function listLines(packs: Packs, style: Style): string[] {
  const manifests = packs.list().map((manifest) => manifestLine(manifest, style));
  const sessions = packs
    .sessions()
    .map(
      ({ name, savedAt, parts }) =>
        `${style.bold(printable(name))}  ${when(savedAt)}  ${counted(parts.length, 'part')}`,
    );
  return [
    ...(manifests.length > 0 ? manifests : ['No pack is remembered yet: `contextkit select` makes one.']),
    ...(sessions.length > 0 ? ['', 'Sessions:', ...sessions] : []),
  ];
}

function wrongNumber(usage: string): AppError {
  return new AppError('invalid_input', `this takes other arguments: contextkit pack ${usage}`, {
    hint: 'See `contextkit pack --help`.',
  });
}

type Action = (
  packs: Packs,
  what: readonly string[],
  session: Session,
) => { value: unknown; lines: string[]; code: number };

const actions: Record<string, Action> = {
  diff(packs, what, { cwd, terminal }) {
    const [first, second, ...more] = what;
    if (first === undefined || second === undefined || more.length > 0) throw wrongNumber('diff A B');
    const value = packs.compare(sourceOf(first, cwd), sourceOf(second, cwd));
    return { value, lines: differenceLines(value, terminal.outStyle), code: exitCodes.ok };
  },

  list(packs, what, { terminal }) {
    if (what.length > 0) throw wrongNumber('list');
    const value = { packs: packs.list(), sessions: packs.sessions() };
    return { value, lines: listLines(packs, terminal.outStyle), code: exitCodes.ok };
  },

  show(packs, what, { terminal }) {
    const [id, ...more] = what;
    if (id === undefined || more.length > 0) throw wrongNumber('show ID');
    const value = packs.find(id);
    const lines = [
      manifestLine(value, terminal.outStyle),
      ...value.parts.map((part) => `  ${place(part)}${note(part)}`),
    ];
    return { value, lines, code: exitCodes.ok };
  },

  forget(packs, what) {
    const [name, ...more] = what;
    if (name === undefined || more.length > 0) throw wrongNumber('forget SESSION');
    const forgotten = packs.forget(name);
    const line = forgotten
      ? `The session "${printable(name)}" is forgotten.`
      : `There is no session "${printable(name)}".`;
    return { value: { forgotten }, lines: [line], code: forgotten ? exitCodes.ok : exitCodes.nothingFound };
  },
};

export function packCommand(session: Session, action: string, what: readonly string[]): Promise<number> {
  const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (run === undefined) {
    throw new AppError('invalid_input', `contextkit pack cannot "${action}"`, {
      hint: `Use one of: ${Object.keys(actions).join(', ')}.`,
    });
  }
  const { terminal, common } = session;
  return withWorkspace(
    session,
    ({ engine }) => {
      const { value, lines, code } = run(engine.packs, what, session);
      terminal.out(common.json === true ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
      return Promise.resolve(code);
    },
    { access: 'read' },
  );
}
