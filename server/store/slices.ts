/** Work in steps that can be left and taken up again. */
export type Steps = Iterator<void, void>;

/** Does steps for so many milliseconds, at least one; true when there are none left. */
export function runFor(steps: Steps, ms: number): boolean {
  const end = performance.now() + ms;
  do {
    if (steps.next().done === true) return true;
  } while (performance.now() < end);
  return false;
}

export function runAll(steps: Steps): void {
  while (steps.next().done !== true);
}
