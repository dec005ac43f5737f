/** 120 characters fit into a name of 255 bytes on every file system, however it has to be spelled there. */
const mostInSegment = 120;
const mostInPath = 900;
const segmentPattern = /^[A-Za-z0-9._-]+$/;

export const mostListed = 1_000;

function isSegment(segment: string): boolean {
  return segment.length <= mostInSegment && segment !== '.' && segment !== '..' && segmentPattern.test(segment);
}

/** @throws {RangeError} for what is no path of a blob: names come from the program, never out of a request. */
export function checkBlobPath(path: string): void {
  if (path.length > mostInPath || !path.split('/').every(isSegment))
    throw new RangeError(
      `the path of a blob has segments of letters, digits, '.', '_' and '-', each up to ${mostInSegment} characters, ${mostInPath} in all`,
    );
}

/** @throws {RangeError} for what no path of a blob starts with; the last segment may be incomplete, or missing. */
export function checkBlobPrefix(prefix: string): void {
  const segments = prefix.split('/');
  const last = segments.pop()!;
  const isLast = last.length <= mostInSegment && (last === '' || segmentPattern.test(last));
  if (prefix.length > mostInPath || !isLast || !segments.every(isSegment))
    throw new RangeError('no path of a blob starts like this');
}

/** @throws {RangeError} for what is no folder of blobs; '' is all that an organization has. */
export function checkBlobFolder(folder: string): void {
  if (folder === '') return;
  if (!folder.endsWith('/')) throw new RangeError('a folder of blobs ends with /');
  checkBlobPrefix(folder);
}

/** @throws {RangeError} */
export function checkListLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostListed)
    throw new RangeError(`at most ${mostListed} blobs are listed at once`);
}
