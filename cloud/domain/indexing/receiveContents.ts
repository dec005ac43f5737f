import { indexLimits, type IndexContents } from '../../../protocol/api/index.ts';
import type { Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import { ApiError } from '../apiError.ts';
import { fromBase64, sha256 } from '../bytes.ts';
import type { Caller } from '../caller.ts';
import { findProject } from '../projects/manageProjects.ts';
import { FaultList } from './filePaths.ts';
import type { IndexParts } from './indexParts.ts';
import { storeContents, storeVectors, type NewContent, type NewVector } from './storedContents.ts';

/** How far the length of a vector may be from 1: what is kept as 16-bit floats is that much off. */
const lengthTolerance = 0.01;

interface SentContent {
  content: string;
  encoding: 'utf-8' | 'base64';
  hash?: string | undefined;
}

/** The bytes of a content, held against its hash; undefined after a fault. */
export async function readContent(
  { content, encoding, hash }: SentContent,
  place: string,
  faults: FaultList,
): Promise<NewContent | undefined> {
  const bytes = encoding === 'utf-8' ? new TextEncoder().encode(content) : fromBase64(content);
  if (bytes === undefined) {
    faults.add(`${place}.content`, 'is not base64');
    return undefined;
  }
  if (bytes.length > indexLimits.fileBytes) {
    faults.add(`${place}.content`, `has ${bytes.length} bytes; a file has at most ${indexLimits.fileBytes}`);
    return undefined;
  }
  const actual = await sha256(bytes);
  if (hash !== undefined && hash !== actual) {
    faults.add(`${place}.hash`, `is not that of the content, which is ${actual}`);
    return undefined;
  }
  return { hash: actual, bytes };
}

/** Of base64, 32-bit floats; the platform's own order of bytes need not be theirs. */
function floatsOf(text: string): Float32Array | undefined {
  const bytes = fromBase64(text);
  if (bytes === undefined || bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => view.getFloat32(at * 4, true));
}

function faultOfVector(vector: Float32Array, dimensions: number): string | undefined {
  if (vector.length !== dimensions) return `has ${vector.length} numbers; vectors here have ${dimensions}`;
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (!Number.isFinite(squares)) return 'holds a number that is not finite';
  const length = Math.sqrt(squares);
  if (Math.abs(length - 1) > lengthTolerance) return `has the length ${length.toPrecision(4)} and not 1`;
  return undefined;
}

function readVector(
  { digest, vector }: IndexContents['vectors'][number],
  dimensions: number,
  place: string,
  faults: FaultList,
): NewVector | undefined {
  const floats = typeof vector === 'string' ? floatsOf(vector) : Float32Array.from(vector);
  const fault = floats === undefined ? 'is not base64 of 32-bit floats' : faultOfVector(floats, dimensions);
  if (fault === undefined) return { digest, vector: floats! };
  faults.add(`${place}.vector`, fault);
  return undefined;
}

/**
 * The vectors of a project come from one model: that of its settings, or the first one that comes.
 * @throws {ApiError} invalid_input for another one
 */
export async function holdToModel(tx: Transaction, org: OrgId, projectId: string, model: string): Promise<void> {
  await tx.query(
    `UPDATE projects SET settings = settings || jsonb_build_object('embedding_model', $3::text)
     WHERE org_id = $1 AND id = $2 AND NOT settings ? 'embedding_model'`,
    [org, projectId, model],
  );
  const { rows } = await tx.query<{ model: string | null }>(
    `SELECT settings ->> 'embedding_model' AS model FROM projects WHERE org_id = $1 AND id = $2`,
    [org, projectId],
  );
  const known = rows[0]?.model;
  if (known === undefined || known === model) return;
  const says =
    known === null ? 'this project is searched by words alone' : `the vectors of this project are of ${known}`;
  throw new ApiError('invalid_input', `Vectors of ${model} cannot be taken: ${says}.`, {
    hint: 'Send vectors of that model, or none; settings.embedding_model of the project names it.',
    faults: [{ path: 'body.embedding_model', message: says }],
  });
}

export interface ReceivedContents {
  contents: number;
  vectors: number;
}

/**
 * Texts and vectors for a sync to come. Everything is checked before anything is kept.
 * @returns how many were new. @throws {ApiError}
 */
export async function receiveContents(
  parts: IndexParts,
  caller: Caller,
  body: IndexContents,
): Promise<ReceivedContents> {
  const faults = new FaultList();
  const contents: NewContent[] = [];
  for (const [index, sent] of body.contents.entries()) {
    const content = await readContent(sent, `body.contents.${index}`, faults);
    if (content !== undefined) contents.push(content);
  }
  if (body.vectors.length > 0 && body.embedding_model === undefined) {
    faults.add('body.embedding_model', 'is missing: vectors are of no use without the model that made them');
  }
  const vectors = body.vectors.flatMap((sent, index) => {
    const vector = readVector(sent, parts.vectors.dimensions, `body.vectors.${index}`, faults);
    return vector === undefined ? [] : [vector];
  });
  faults.throwIfAny();
  const { org } = caller;
  const { id: projectId } = await parts.database.withOrg(org, async (tx) => {
    const project = await findProject(tx, caller, body.project_id);
    if (vectors.length > 0) await holdToModel(tx, org, project.id, body.embedding_model!);
    return project;
  });
  const place = { org, projectId };
  return {
    contents: await storeContents(parts, place, contents),
    vectors: await storeVectors(parts, place, vectors),
  };
}
