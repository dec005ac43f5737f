import type { UsedDefinition } from '../../core/pack/packer.ts';
import type { PackCandidate } from '../../core/pack/types.ts';
import { namedBy, toUsedDefinition, withTokens } from '../../core/pack/usedDefinitions.ts';
import type { UsedSymbol } from '../store/index.ts';
import type { TokenCounter } from '../tokens/tokenCounter.ts';
import type { CurrentFile } from './currentFile.ts';
import { readCurrent, type VerifyParts } from './verifyRanges.ts';

export interface UsedParts extends VerifyParts {
  counter: () => TokenCounter;
}

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
  const named = namedBy(bodies, found);
  signal?.throwIfAborted();
  const { files } = await readCurrent(parts, [...new Set(named.flat().map(({ path }) => path))], signal);
  const result = new Map<PackCandidate, UsedDefinition[]>();
  for (const [i, symbols] of named.entries()) {
    const definitions = symbols.flatMap((used) => {
      const file = files.get(used.path);
      const symbol = file === undefined ? undefined : current(used, file);
      return symbol === undefined ? [] : [toUsedDefinition(symbol, file!.file)];
    });
    result.set(bodies[i]!, await withTokens(parts.counter(), definitions));
  }
  return result;
}
