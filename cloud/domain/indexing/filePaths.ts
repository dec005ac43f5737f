import { ApiError, type InputFault } from '../apiError.ts';

/** In UTF-8: what an index of PostgreSQL takes as a key. */
const maxPathBytes = 1_024;
/** So many faults are named; who has more has the same one everywhere. */
const maxFaults = 50;

/** What is wrong with a path of a workspace; undefined for a good one. */
export function faultOfPath(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute: paths are relative to the root of the project';
  if (/^[A-Za-z]:/.test(path)) return 'begins with a drive: paths are relative to the root of the project';
  if (path.includes('\\')) return 'holds a backslash: the parts of a path are separated by /';
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'holds a control character';
  for (const part of path.split('/')) {
    if (part === '..') return 'leads out of the project (..)';
    if (part === '.' || part === '') return 'has a part that is empty or "."';
  }
  if (path.length > maxPathBytes || new TextEncoder().encode(path).length > maxPathBytes) {
    return `is longer than ${maxPathBytes} bytes`;
  }
  return undefined;
}

/** Long ones are cut: a fault need not repeat 4 KB. */
const shown = (path: string): string => (path.length <= 120 ? path : `${path.slice(0, 117)}…`);

export class FaultList {
  readonly #faults: InputFault[] = [];
  #count = 0;

  add(path: string, message: string): void {
    this.#count++;
    if (this.#faults.length < maxFaults) this.#faults.push({ path, message });
  }

  /** @throws {ApiError} invalid_input, where there are any. */
  throwIfAny(hint?: string): void {
    if (this.#count === 0) return;
    const more = this.#count - this.#faults.length;
    const first = this.#faults[0]!;
    throw new ApiError(
      'invalid_input',
      `The request is not valid: ${first.path} ${first.message}${this.#count > 1 ? `, and ${this.#count - 1} more` : ''}.`,
      {
        faults: more > 0 ? [...this.#faults, { path: 'body', message: `has ${more} more faults` }] : this.#faults,
        ...(hint === undefined ? {} : { hint }),
      },
    );
  }
}

/**
 * Names paths that cannot be, and those that stand twice. Paths that differ in letter case are different ones.
 * @param place where the list stands in the request, as `body.manifest`.
 */
export function checkPaths(lists: readonly { place: string; paths: readonly string[] }[], faults: FaultList): void {
  const seen = new Set<string>();
  for (const { place, paths } of lists) {
    paths.forEach((path, index) => {
      const fault = faultOfPath(path);
      if (fault !== undefined) faults.add(`${place}.${index}`, `${JSON.stringify(shown(path))} ${fault}`);
      else if (seen.has(path)) faults.add(`${place}.${index}`, `${JSON.stringify(shown(path))} stands there twice`);
      seen.add(path);
    });
  }
}
