import { AppError } from '../../core/errors.ts';
import type { Engine, GraphAnswer, GraphEdge, GraphSymbol } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { headLines, nameOf, referenceLines } from './graphReferences.ts';
import { wholeNumber } from '../output/options.ts';
import { counted, printable, type Style } from '../output/terminal.ts';
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

const shownLines = 4;

function calledAt(lines: readonly number[]): string {
  const shown = lines.slice(0, shownLines).join(', ');
  return lines.length > shownLines ? `${shown} and ${lines.length - shownLines} more` : shown;
}

function edgeLine(edge: GraphEdge, end: GraphSymbol | null, style: Style): string {
  const indent = '  '.repeat(edge.depth);
  const name = end === null ? style.dim('(top of the file)') : style.bold(printable(nameOf(end)));
  const place = end === null ? edge.path : `${end.path}:${end.line}`;
  const at = style.dim(
    `called at ${edge.path === place.split(':')[0] ? 'line ' : `${printable(edge.path)}:`}${calledAt(edge.lines)}`,
  );
  return `${indent}  ${name}  ${printable(place)}  ${at}`;
}

/** Edges of the second hop follow the edge that leads to them. */
function nested(
  edges: readonly GraphEdge[],
  near: (edge: GraphEdge) => GraphSymbol | null,
  far: (edge: GraphEdge) => GraphSymbol | null,
  start: GraphSymbol,
): GraphEdge[] {
  const keyOf = (symbol: GraphSymbol | null): string => (symbol === null ? '' : `${symbol.path}:${symbol.line}`);
  const byNear = new Map<string, GraphEdge[]>();
  for (const edge of edges) {
    const key = `${edge.depth} ${keyOf(near(edge))}`;
    byNear.set(key, [...(byNear.get(key) ?? []), edge]);
  }
  const ordered: GraphEdge[] = [];
  const visit = (from: string, depth: number): void => {
    for (const edge of byNear.get(`${depth} ${from}`) ?? []) {
      ordered.push(edge);
      if (far(edge) !== null) visit(keyOf(far(edge)), depth + 1);
    }
    byNear.delete(`${depth} ${from}`);
  };
  visit(keyOf(start), 1);
  return ordered;
}

function graphLines({ definitions, more }: GraphAnswer, options: GraphOptions, style: Style): string[] {
  const lines: string[] = [];
  for (const { symbol, callers, callees, truncated } of definitions) {
    lines.push(...headLines(symbol, style));
    if (options.callees !== true) {
      lines.push(callers.length === 0 ? '  no known callers' : `  called by (${callers.length}):`);
      for (const edge of nested(
        callers,
        ({ callee }) => callee,
        ({ caller }) => caller,
        symbol,
      ))
        lines.push(edgeLine(edge, edge.caller, style));
    }
    if (options.callers !== true) {
      lines.push(callees.length === 0 ? '  no known calls' : `  calls (${callees.length}):`);
      for (const edge of nested(
        callees,
        ({ caller }) => caller,
        ({ callee }) => callee,
        symbol,
      ))
        lines.push(edgeLine(edge, edge.callee, style));
    }
    if (truncated) lines.push('  … and more: --limit shows them');
    lines.push('');
  }
  if (more > 0)
    lines.push(`… and ${counted(more, 'definition')} more of this name: --in PATH or Type.member says which.`, '');
  return lines;
}

/** What a reader takes in, and what a program can. */
const defaultLimit = { shown: 40, json: 200 } as const;

/** Characters of a name that is not known. */
const mostShown = 80;

/** Names like the one that was asked for; those of the asked type first. */
async function similarNames(engine: Engine, symbol: string): Promise<string[]> {
  const parts = symbol.split(/::|[.#]/).filter((part) => part !== '');
  const last = parts.at(-1);
  if (last === undefined) return [];
  const found = await engine.symbols({ name: last, limit: 200 });
  const owner = parts.at(-2);
  const near = found.filter(({ container }) => owner !== undefined && container.at(-1) === owner);
  const names = [...near, ...found].filter(({ kind }) => kind !== 'section').map(nameOf);
  return [...new Set(names)].slice(0, 5);
}

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
    return { answer, definitions: answer.definitions.length, lines: () => referenceLines(answer, style) };
  }
  const depth = wholeNumber('--depth', options.depth);
  const direction = options.callers === true ? 'callers' : options.callees === true ? 'callees' : 'both';
  const answer = await engine.graph({ symbol, depth, direction, limit, ...inside });
  return { answer, definitions: answer.definitions.length, lines: () => graphLines(answer, options, style) };
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
    const inside = options.in === undefined ? '' : ` in ${printable(options.in)}`;
    const names = await similarNames(engine, symbol);
    const hint = names.length === 0 ? '' : ` Similar: ${names.map(printable).join(', ')}.`;
    const asked = symbol.length > mostShown ? `${symbol.slice(0, mostShown)}…` : symbol;
    terminal.note(`No symbol is called "${printable(asked)}"${inside}.${hint}`);
    return exitCodes.nothingFound;
  });
}
