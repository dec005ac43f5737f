import { isUuid } from '../../ports/organization.ts';
import type { NearestQuery, StoredVector } from '../../ports/vectorStore.ts';

const digestPattern = /^[0-9a-f]{32}$/;
export const mostNeighbours = 1_000;
export const mostRead = 1_000;

export const isDigest = (value: unknown): value is string => typeof value === 'string' && digestPattern.test(value);

function checkVector(vector: Float32Array, dimensions: number): void {
  if (vector.length !== dimensions)
    throw new RangeError(`a vector has ${dimensions} numbers here, not ${vector.length}`);
  if (!vector.every(Number.isFinite)) throw new RangeError('a vector has a number that is not finite');
  // It has no direction: nothing is near to it or far from it.
  if (vector.every((value) => value === 0)) throw new RangeError('a vector is all zeros');
}

/** @throws {RangeError} */
export function checkProject(projectId: string): void {
  if (!isUuid(projectId)) throw new RangeError('a project has a UUID');
}

/** @throws {RangeError} */
export function checkDigests(digests: readonly string[]): void {
  if (!digests.every(isDigest)) throw new RangeError('a digest has 32 hexadecimal digits in lower case');
}

/**
 * Of several vectors of one text the last counts.
 * @throws {RangeError} before anything is written.
 */
export function checkedVectors(vectors: readonly StoredVector[], dimensions: number): StoredVector[] {
  const byText = new Map<string, StoredVector>();
  for (const each of vectors) {
    checkProject(each.projectId);
    checkDigests([each.digest]);
    checkVector(each.vector, dimensions);
    byText.set(`${each.projectId}/${each.digest}`, each);
  }
  return [...byText.values()];
}

/** @throws {RangeError} */
export function checkQuery({ projectId, vector, limit }: NearestQuery, dimensions: number): void {
  checkProject(projectId);
  checkVector(vector, dimensions);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostNeighbours)
    throw new RangeError(`1 to ${mostNeighbours} neighbours are looked for`);
}

/** @throws {RangeError} */
export function checkFound(digests: readonly string[]): void {
  checkDigests(digests);
  if (digests.length > mostRead) throw new RangeError(`at most ${mostRead} vectors are looked for at once`);
}

/** @throws {RangeError} */
export function checkReadLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostRead)
    throw new RangeError(`1 to ${mostRead} vectors are read at once`);
}
