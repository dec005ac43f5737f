import { VectorTable } from '../../../core/vectors/vectorTable.ts';
import type { Log } from '../../ports/log.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import type { DerivedStore, ReadRevision, Revision, RevisionSource, VectorSource } from './contextPorts.ts';
import { inTurns, type ThreadSharing } from '../../../core/inTurns.ts';
import { inTime } from '../inTime.ts';
import { decodeLinkRecord, encodeLinkRecord } from './linkRecord.ts';
import { ProjectIndex, type KnownLinks } from './projectIndex.ts';
import { singleFlight } from './singleFlight.ts';

export interface OpenIndexParts {
  revisions: RevisionSource;
  vectors: VectorSource;
  derived: DerivedStore;
  thread: ThreadSharing;
  /** vectorScan.wat, compiled; how it is compiled differs from platform to platform. */
  scan: WebAssembly.Module;
  /** What indexes may take in memory together. A single larger one is kept as long as nobody else needs the room. */
  maxBytes: number;
  log: Log;
}

/** A revision in memory. Its vectors are those of its `vectorGeneration` at least. */
export interface OpenIndex {
  revision: Revision;
  index: ProjectIndex;
  /**
   * Whether its vectors are all here, as far as there are any: words answer before them. `unavailable`: the store of
   * vectors did not give them, and is asked again a little later.
   */
  vectors: 'here' | 'being_read' | 'unavailable';
}

interface Entry extends OpenIndex {
  /** Questions that are being answered from it. */
  leases: number;
  /** When its vectors are worth being looked at again. */
  vectorsDueAt: number;
  /** Resolves when the vectors have been read that are being read now. */
  reading: Promise<void> | undefined;
}

/** How long whoever needs vectors waits for those that are being read. */
export type VectorPatience = 'none' | 'a_moment' | 'until_read';

/** The indexes of projects that questions are answered from. */
export interface OpenIndexes {
  /**
   * Gives `work` the index of this revision or of a newer one: a question never meets an older state than the one it
   * was asked of. What it was given stays as it is until it resolves.
   * Words answer before all vectors are read: those that come meanwhile are seen by the questions after it.
   * @throws {ApiError} not_found, where the branch is gone meanwhile.
   */
  use<T>(org: OrgId, wanted: Revision, work: (open: OpenIndex) => Promise<T>, patience?: VectorPatience): Promise<T>;
  /** Forgets a project, or all of an organization. */
  forget(org: OrgId, projectId?: string): void;
  readonly bytes: number;
  readonly size: number;
}

const none: KnownLinks = { files: new Map(), drift: 0 };

/** `text-embedding-3-small/384` → 384; models name their dimensions at the end. */
function dimensionsOf(model: string | null): number | undefined {
  const dimensions = /\/(\d{1,5})$/.exec(model ?? '')?.[1];
  return dimensions === undefined ? undefined : Number(dimensions);
}

const branchKey = (org: OrgId, { projectId, branch }: Revision): string => `${org}/${projectId}/${branch}`;

const isAsGood = (has: Revision, wanted: Revision): boolean =>
  has.number > wanted.number || (has.number === wanted.number && has.model === wanted.model);

/** Puts files into an index; of those that an older revision has as well only the links are worked out anew. */
function* putFiles(
  index: ProjectIndex,
  { files, rows }: ReadRevision,
  before: ProjectIndex | undefined,
): Generator<void, void> {
  const fresh = new Map(rows.map((row) => [row.path, row]));
  for (const { path } of files) {
    const row = fresh.get(path) ?? before?.files.get(path);
    if (row === undefined) throw new Error('a file of the revision came without its record');
    index.put(row);
    yield;
  }
}

/** Fills what has no vector, as long as that is wanted. */
async function fillVectors(
  { vectors }: OpenIndexParts,
  org: OrgId,
  { revision: { projectId }, index }: OpenIndex,
  isWanted: () => boolean,
): Promise<void> {
  const gaps = index.gaps();
  if (gaps.size === 0) return;
  for await (const page of vectors.read(org, projectId, new Set(gaps.keys()))) {
    if (!isWanted()) return;
    for (const { digest, vector } of page) {
      const places = gaps.get(digest);
      if (places !== undefined) index.putVector(places, vector);
    }
  }
}

async function knownLinks(
  { derived, log }: OpenIndexParts,
  org: OrgId,
  { projectId, branch }: Revision,
  before: ProjectIndex | undefined,
): Promise<KnownLinks> {
  if (before !== undefined) return before.links;
  try {
    const bytes = await derived.get(org, projectId, branch);
    return (bytes === undefined ? undefined : decodeLinkRecord(bytes)) ?? none;
  } catch (error) {
    // It can be worked out again: that takes longer, nothing else.
    log('warn', 'context.links_unreadable', { org, project_id: projectId, message: (error as Error).message });
    return none;
  }
}

async function link(
  parts: OpenIndexParts,
  org: OrgId,
  { revision, index }: OpenIndex,
  before: ProjectIndex | undefined,
): Promise<void> {
  const { derived, thread, log } = parts;
  const { projectId, branch } = revision;
  const known = await knownLinks(parts, org, revision, before);
  if (!(await inTurns(index.linkSteps(known), thread))) return;
  index.closeGraph();
  derived.put(org, projectId, branch, encodeLinkRecord(index.links)).catch((error: unknown) => {
    log('warn', 'context.links_not_kept', { org, project_id: projectId, message: (error as Error).message });
  });
}

/** Of an index whose vectors were not read yet. */
const noVectors = -1;

/** Reads the current revision of a branch into memory, without the vectors that no older one has. */
async function load(parts: OpenIndexParts, org: OrgId, wanted: Revision, before?: OpenIndex): Promise<OpenIndex> {
  const { revisions, scan, thread } = parts;
  const { projectId, branch } = wanted;
  const older = before?.index;
  const known = new Set([...(older?.files.values() ?? [])].map(({ recordKey }) => recordKey));
  const read = await revisions.read(org, projectId, branch, known);
  if (read === undefined) {
    throw new ApiError('not_found', 'What was indexed of this branch is gone.', { hint: 'Index it again.' });
  }
  const { revision } = read;
  const dimensions = dimensionsOf(revision.model);
  const index = new ProjectIndex(dimensions === undefined ? undefined : new VectorTable(scan, dimensions));
  await inTurns(putFiles(index, read, older), thread);
  index.settle();
  if (older !== undefined && before?.revision.model === revision.model) index.adoptVectors(older);
  const opened: OpenIndex = {
    revision: dimensions === undefined ? revision : { ...revision, vectorGeneration: noVectors },
    index,
    vectors: dimensions === undefined ? 'here' : 'being_read',
  };
  await link(parts, org, opened, older);
  return opened;
}

/** A project that is being embedded gets new vectors all the time: less than a twentieth of the time goes into reading. */
const vectorShare = 20;
/** After a failure the store of vectors is left alone for so long. */
const restMs = 10_000;
/** Small projects have their vectors sooner; in a large one words answer meanwhile. */
const momentMs = 2_000;

export function openIndexes(parts: OpenIndexParts): OpenIndexes {
  /** Those used last at the end. */
  const entries = new Map<string, Entry>();
  const loading = singleFlight<Entry>();

  const bytesOf = (): number => [...entries.values()].reduce((sum, { index }) => sum + index.bytes, 0);

  function makeRoom(kept: Entry): void {
    for (const [key, entry] of entries) {
      if (bytesOf() <= parts.maxBytes) return;
      if (entry !== kept && entry.leases === 0) entries.delete(key);
    }
  }

  const isKept = (entry: Entry, org: OrgId): boolean => entries.get(branchKey(org, entry.revision)) === entry;

  /** Reads the vectors that an index lacks, beside the questions, each of which sees what has come by then. */
  async function readVectors(org: OrgId, entry: Entry, vectorGeneration: number): Promise<void> {
    const started = parts.thread.now();
    try {
      await fillVectors(parts, org, entry, () => isKept(entry, org));
      const ended = parts.thread.now();
      // The first time everything is read; from then on it is about what has come.
      if (entry.vectors === 'here') entry.vectorsDueAt = ended + vectorShare * (ended - started);
      else logVectors(org, entry, ended - started);
      entry.vectors = 'here';
      entry.revision = { ...entry.revision, vectorGeneration };
    } catch (error) {
      entry.vectorsDueAt = parts.thread.now() + restMs;
      entry.vectors = 'unavailable';
      const { projectId } = entry.revision;
      const isAway = error instanceof ApiError && error.code === 'unavailable';
      parts.log(isAway ? 'warn' : 'error', 'context.vectors_unreadable', {
        org,
        project_id: projectId,
        message: (error as Error).message,
      });
    }
  }

  function logVectors(org: OrgId, { revision, index }: OpenIndex, ms: number): void {
    const { projectId, number } = revision;
    parts.log('info', 'context.vectors_read', {
      org,
      project_id: projectId,
      revision: number,
      vectors: index.embedded,
      ms: Math.round(ms),
    });
  }

  function refreshVectors(org: OrgId, wanted: Revision, entry: Entry): void {
    const { number, vectorGeneration } = entry.revision;
    const isCurrent = number !== wanted.number || vectorGeneration >= wanted.vectorGeneration;
    if (isCurrent || entry.reading !== undefined || parts.thread.now() < entry.vectorsDueAt) return;
    entry.reading = readVectors(org, entry, wanted.vectorGeneration).finally(() => (entry.reading = undefined));
  }

  async function waitForVectors({ reading, vectors }: Entry, patience: VectorPatience): Promise<void> {
    if (patience === 'until_read') await reading;
    // A store that did not answer before may not answer now.
    if (patience === 'a_moment' && reading !== undefined && vectors !== 'unavailable') await inTime(reading, momentMs);
  }

  async function open(org: OrgId, wanted: Revision): Promise<Entry> {
    const key = branchKey(org, wanted);
    const has = entries.get(key);
    if (has !== undefined && isAsGood(has.revision, wanted)) return has;
    return loading(key, async () => {
      const started = parts.thread.now();
      const loaded = await load(parts, org, wanted, has);
      const entry: Entry = { ...loaded, leases: 0, vectorsDueAt: 0, reading: undefined };
      entries.delete(key);
      entries.set(key, entry);
      parts.log('info', 'context.index_opened', {
        org,
        project_id: wanted.projectId,
        revision: entry.revision.number,
        files: entry.index.files.size,
        chunks: entry.index.chunks,
        bytes: entry.index.bytes,
        ms: Math.round(parts.thread.now() - started),
      });
      return entry;
    });
  }

  return {
    async use(org, wanted, work, patience = 'none') {
      const key = branchKey(org, wanted);
      let entry = await open(org, wanted);
      // A load was shared that had begun before this revision was there.
      if (!isAsGood(entry.revision, wanted)) entry = await open(org, wanted);
      entry.leases++;
      try {
        refreshVectors(org, wanted, entry);
        await waitForVectors(entry, patience);
        if (entries.get(key) === entry) {
          entries.delete(key);
          entries.set(key, entry);
        }
        return await work(entry);
      } finally {
        entry.leases--;
        makeRoom(entry);
      }
    },
    forget(org, projectId) {
      const prefix = projectId === undefined ? `${org}/` : `${org}/${projectId}/`;
      for (const key of [...entries.keys()]) if (key.startsWith(prefix)) entries.delete(key);
    },
    get bytes() {
      return bytesOf();
    },
    get size() {
      return entries.size;
    },
  };
}
