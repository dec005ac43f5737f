import type { UsedSymbol } from '../graph/answerTypes.ts';
import type { TokenCounting } from '../tokens/types.ts';
import type { UsedDefinition } from './packer.ts';
import { cut } from './signatures.ts';
import type { PackCandidate, PackFile } from './types.ts';

/** Of what one body uses, so much is looked at. */
const mostPerBody = 24;
/** Longer definitions are given as signatures only. */
const mostBodyLines = 24;

const wordsOf = (text: string): Set<string> => new Set(text.match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []);

/** Of what the graph says of each body only what its text really names. */
export function namedBy(bodies: readonly PackCandidate[], found: readonly UsedSymbol[][]): UsedSymbol[][] {
  return found.map((symbols, i) => {
    const words = wordsOf(bodies[i]!.content);
    return symbols.filter(({ name }) => words.has(/[\p{L}\p{N}_$]+$/u.exec(name)?.[0] ?? name)).slice(0, mostPerBody);
  });
}

export function toUsedDefinition(symbol: UsedSymbol, file: PackFile): UsedDefinition {
  const { path, line, signature, startLine, endLine } = symbol;
  const isShort = endLine - startLine < mostBodyLines;
  return {
    signature: { path, line, text: cut(signature) },
    body: isShort ? { file, range: { startLine, endLine }, tokens: 0 } : null,
  };
}

/** With the tokens of the bodies. */
export async function withTokens(
  counter: TokenCounting,
  definitions: readonly UsedDefinition[],
): Promise<UsedDefinition[]> {
  const bodies = definitions.flatMap(({ body }) => (body === null ? [] : [body]));
  const tokens = await counter.count(bodies.map(({ file, range }) => file.slice(range.startLine, range.endLine)));
  for (const [i, body] of bodies.entries()) body.tokens = tokens[i]!;
  return [...definitions];
}
