import type { UsedDefinition } from '../../core/pack/packer.ts';
import { cut } from '../../core/pack/signatures.ts';
import type { PackCandidate } from '../../core/pack/types.ts';
import type { UsedSymbol } from '../store/index.ts';
import type { TokenCounter } from './tokenCounter.ts';
import { readCurrent, type CurrentFile, type VerifyParts } from './verifyRanges.ts';

export interface UsedParts extends VerifyParts {
  counter: () => TokenCounter;
}

/** Of what one body uses, so much is looked at. */
const mostPerBody = 24;
/** Longer definitions are given as signatures only. */
const mostBodyLines = 24;

const wordsOf = (text: string): Set<string> => new Set(text.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []);

/** Where a definition stands now: its file may have changed since the graph was made. */
function current(used: UsedSymbol, file: CurrentFile): UsedSymbol | undefined {
  if (file.source.fresh === null) return used;
  const same = file.file.symbols.filter(
    ({ name, container }) => name === used.name && container.join('\0') === used.container.join('\0'),
  );
  const nearest = same.sort((a, b) => Math.abs(a.line - used.line) - Math.abs(b.line - used.line))[0];
  return nearest === undefined ? undefined : { ...used, ...nearest };
}

/** What each body calls and names by type, by the graph; only what its text really names. */
export async function findUsed(
  parts: UsedParts,
  bodies: readonly PackCandidate[],
  signal: AbortSignal | undefined,
): Promise<Map<PackCandidate, UsedDefinition[]>> {
  const found = await parts.store.uses(
    bodies.map(({ file, startLine, endLine }) => ({ path: file.path, startLine, endLine })),
  );
  const named = found.map((symbols, i) => {
    const words = wordsOf(bodies[i]!.content);
    return symbols.filter(({ name }) => words.has(/[\p{L}\p{N}_$]+$/u.exec(name)?.[0] ?? name)).slice(0, mostPerBody);
  });
  signal?.throwIfAborted();
  const { files } = await readCurrent(parts, [...new Set(named.flat().map(({ path }) => path))], signal);
  const result = new Map<PackCandidate, UsedDefinition[]>();
  for (const [i, symbols] of named.entries()) {
    const definitions = symbols.flatMap((used) => {
      const file = files.get(used.path);
      const symbol = file === undefined ? undefined : current(used, file);
      return symbol === undefined ? [] : [toDefinition(symbol, file!)];
    });
    result.set(bodies[i]!, await counted(parts.counter(), definitions));
  }
  return result;
}

function toDefinition(symbol: UsedSymbol, { file }: CurrentFile): UsedDefinition {
  const { path, line, signature, startLine, endLine } = symbol;
  const isShort = endLine - startLine < mostBodyLines;
  return {
    signature: { path, line, text: cut(signature) },
    body: isShort ? { file, range: { startLine, endLine }, tokens: 0 } : null,
  };
}

/** With the tokens of the bodies. */
async function counted(counter: TokenCounter, definitions: readonly UsedDefinition[]): Promise<UsedDefinition[]> {
  const bodies = definitions.flatMap(({ body }) => (body === null ? [] : [body]));
  const tokens = await counter.count(bodies.map(({ file, range }) => file.slice(range.startLine, range.endLine)));
  for (const [i, body] of bodies.entries()) body.tokens = tokens[i]!;
  return [...definitions];
}
