import type { FoundSymbolRow, GraphAnswer, GraphQuery, SymbolQuery } from '../../../core/graph/answerTypes.ts';
import type { TokenCounting } from '../../../core/tokens/types.ts';
import type { OrgId } from '../../ports/organization.ts';
import type { Revision, TextSource } from './contextPorts.ts';
import { inTurns } from '../../../core/inTurns.ts';
import { openIndexes, type OpenIndexParts } from './openIndexes.ts';
import { packFiles } from './packFiles.ts';
import { selectFromIndex, type Selection, type SelectWishes } from './selectFromIndex.ts';

/** An answer, and the revision that it is of: the one that was asked of, or a newer one. */
export interface Answered<T> {
  revision: Revision;
  answer: T;
}

/** Answers questions from indexes in memory. All that crosses this border can be sent to another thread. */
export interface ContextEngine {
  select(org: OrgId, revision: Revision, wishes: SelectWishes): Promise<Answered<Selection>>;
  symbols(org: OrgId, revision: Revision, query: SymbolQuery): Promise<Answered<FoundSymbolRow[]>>;
  graph(org: OrgId, revision: Revision, query: GraphQuery): Promise<Answered<GraphAnswer>>;
  /** Reads a project into memory, with its vectors, so that the next question finds it there. */
  open(org: OrgId, revision: Revision): Promise<void>;
  /** Forgets a project that was deleted, or all of an organization. */
  forget(org: OrgId, projectId?: string): Promise<void>;
  close(): Promise<void>;
}

export interface ContextEngineParts extends OpenIndexParts {
  texts: TextSource;
  counter: TokenCounting;
  /** What texts may take in memory, besides what indexes do not need of theirs. */
  maxTextBytes: number;
}

/** The engine in the thread that calls it; long work is done in turns. */
export function contextEngine(parts: ContextEngineParts): ContextEngine {
  const { counter, thread } = parts;
  const indexes = openIndexes(parts);
  // What indexes leave of their room is good for texts: each that is missing is read and taken apart anew.
  const maxBytes = (): number => parts.maxTextBytes + Math.max(0, parts.maxBytes - indexes.bytes);
  const files = packFiles({ texts: parts.texts, maxBytes });
  return {
    select: (org, wanted, wishes) =>
      indexes.use(
        org,
        wanted,
        async (open) => {
          const { revision } = open;
          return { revision, answer: await selectFromIndex({ files, counter, thread }, org, open, wishes) };
        },
        wishes.vector === null ? 'none' : 'a_moment',
      ),
    symbols: (org, wanted, query) =>
      indexes.use(org, wanted, ({ revision, index }) =>
        Promise.resolve({ revision, answer: index.findSymbols(query) }),
      ),
    graph: (org, wanted, query) =>
      indexes.use(org, wanted, async ({ revision, index }) => {
        await inTurns(index.openGraph(), thread);
        return { revision, answer: index.graph(query) };
      }),
    open: (org, wanted) => indexes.use(org, wanted, () => Promise.resolve(), 'until_read'),
    forget: (org, projectId) => Promise.resolve(indexes.forget(org, projectId)),
    close: () => Promise.resolve(),
  };
}
