/**
 * Options of Node for the language server. What its main loop handles is passed on and forgotten: with the 16 MB that V8
 * takes by itself for what is new, twice, it holds 24 MB more and is no faster.
 */
export const serverArguments: readonly string[] = ['--max-semi-space-size=4'];

/**
 * What its environment gets on top, where the user has not set it. On Linux the allocator of glibc asks the system for
 * large arrays one by one at first; once it has given one back, it keeps those of that size for itself, in an arena for
 * each thread (mallopt(3), M_MMAP_THRESHOLD). With a threshold that stays where it is they go back to the system: while
 * 1.7 million lines are indexed that is 130 MB less of 840. With the 128 KB that it begins with a start would take
 * longer. Other allocators and systems do not know the name.
 */
export function serverEnvironment(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const name = 'MALLOC_MMAP_THRESHOLD_';
  return given[name] === undefined ? { [name]: String(2 * 2 ** 20) } : {};
}
