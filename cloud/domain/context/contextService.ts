import type { FoundSymbolRow, GraphAnswer, GraphQuery, SymbolQuery } from '../../../core/graph/answerTypes.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import type { Answered, ContextEngine } from './contextEngine.ts';
import type { Revision, RevisionSource } from './contextPorts.ts';
import type { QuestionVectors } from './questionVectors.ts';
import { singleFlight } from './singleFlight.ts';
import { SizedCache } from './sizedCache.ts';
import type { Selection, SelectWishes } from './selectFromIndex.ts';

export type { GraphEdge, GraphSymbol } from '../../../core/graph/answerTypes.ts';

export interface BranchOfProject {
  org: OrgId;
  projectId: string;
  /** The one that was indexed last where it is left out. */
  branch: string | undefined;
  /** What was current a moment ago, where that was read with the project: it need not be read again. */
  seen?: { revision: Revision | undefined };
}

export type SelectQuestion = Omit<SelectWishes, 'vector'>;

export interface SelectAnswer extends Selection {
  revision: Revision;
  /** The same was asked before of the same revision. */
  isCached: boolean;
  /** What the answer lacks, in sentences. */
  notes: string[];
}

export interface ContextService {
  /** @throws {ApiError} not_found, where nothing is indexed */
  select(place: BranchOfProject, question: SelectQuestion): Promise<SelectAnswer>;
  symbols(place: BranchOfProject, query: SymbolQuery): Promise<Answered<FoundSymbolRow[]>>;
  graph(place: BranchOfProject, query: GraphQuery): Promise<Answered<GraphAnswer>>;
  /** Forgets a project that was deleted, or all of an organization. */
  forget(org: OrgId, projectId?: string): Promise<void>;
  close(): Promise<void>;
}

export interface ContextServiceParts {
  engine: ContextEngine;
  revisions: Pick<RevisionSource, 'current'>;
  vectors: QuestionVectors;
  /** What answers may take in memory. */
  maxAnswerBytes: number;
  /** Milliseconds, never going back. */
  now: () => number;
}

const answerMs = 60 * 60 * 1_000;

const meaningNotes = {
  unknown_model: 'The model of this project does not run here: ranked by words alone.',
  unavailable: 'The embedding provider does not answer now: ranked by words alone.',
};

const vectorNotes = {
  being_read: 'The vectors of this project are still being read: ranked by words, and by those that are there.',
  unavailable: 'The vectors of this project cannot be read now: ranked by words, and by those that are there.',
};

const bytesOf = ({ context, chunks }: Selection): number =>
  2 * (context.length + chunks.reduce((sum, { content, file }) => sum + content.length + file.length + 100, 0));

/** What an answer depends on besides the question. The weights of the ranking are those of the program: it keeps them. */
const stateOf = ({ number, rootHash, model, vectorGeneration }: Revision): string =>
  JSON.stringify([number, rootHash, model, vectorGeneration]);

/** Questions about projects, with what was answered before. */
export function contextService(parts: ContextServiceParts): ContextService {
  const { engine, revisions, vectors, maxAnswerBytes, now } = parts;
  const answers = new SizedCache<SelectAnswer>({ maxBytes: maxAnswerBytes, maxAgeMs: answerMs, now });
  const answering = singleFlight<SelectAnswer>();
  /** Of each branch the state that its answers in the cache are of; so many branches are remembered. */
  const states = new SizedCache<string>({ maxBytes: 100_000 });

  async function currentOf({ org, projectId, branch, seen }: BranchOfProject): Promise<Revision> {
    const { revision } = seen ?? { revision: await revisions.current(org, projectId, branch) };
    if (revision !== undefined) return revision;
    const what = branch === undefined ? 'Nothing of this project' : `Nothing of the branch ${branch}`;
    throw new ApiError('not_found', `${what} is indexed yet.`, {
      hint: 'POST /v1/index/sync brings code here; GET /v1/projects/{project} shows how far it is.',
    });
  }

  async function answer(org: OrgId, wanted: Revision, question: SelectQuestion): Promise<SelectAnswer> {
    const needsVector = wanted.model !== null && question.query.trim() !== '';
    const found = needsVector ? await vectors.of(question.query, wanted.model!) : { missing: undefined };
    const notes = 'vector' in found || found.missing === undefined ? [] : [meaningNotes[found.missing]];
    const vector = 'vector' in found ? found.vector : null;
    const { revision, answer: selection } = await engine.select(org, wanted, { ...question, vector });
    if (selection.vectorsMissing !== undefined) notes.push(vectorNotes[selection.vectorsMissing]);
    if (selection.unreadable > 0) notes.push(`${selection.unreadable} files could not be read and are left out.`);
    return { ...selection, revision, isCached: false, notes };
  }

  return {
    async select(place, question) {
      const { org } = place;
      const revision = await currentOf(place);
      const group = `${org}/${revision.projectId}/${revision.branch}`;
      const state = stateOf(revision);
      // Answers of older states are of no use any more.
      if (states.get(group) !== state) answers.dropGroup(group);
      states.set(group, state, 1);
      const { query, budget, mode, format, includeImports, sources } = question;
      const key = JSON.stringify([group, state, query, budget, mode, format, includeImports, sources]);
      const known = answers.get(key);
      if (known !== undefined) return { ...known, isCached: true };
      const made = await answering(key, () => answer(org, revision, question));
      // What lacks something is made anew the next time; what belongs to a newer state, is not what the key says.
      if (made.notes.length === 0 && stateOf(made.revision) === state)
        answers.set(key, made, bytesOf(made) + 2 * key.length, group);
      return made;
    },
    async symbols(place, query) {
      return engine.symbols(place.org, await currentOf(place), query);
    },
    async graph(place, query) {
      return engine.graph(place.org, await currentOf(place), query);
    },
    forget: (org, projectId) => engine.forget(org, projectId),
    close: () => engine.close(),
  };
}
