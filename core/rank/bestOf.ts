/**
 * The first `count` of a list in the order of their scores, higher ones first, and of `inOrder` among equal ones: what
 * sorting all of it would give, without sorting what is far behind.
 */
export function bestOf<T>(
  list: readonly T[],
  count: number,
  scoreOf: (each: T) => number,
  inOrder: (a: T, b: T) => number,
): T[] {
  const compare = (a: T, b: T): number => scoreOf(b) - scoreOf(a) || inOrder(a, b);
  if (list.length <= count) return [...list].sort(compare);
  if (count <= 0) return [];
  const least = Float64Array.from(list, scoreOf).sort()[list.length - count]!;
  return list
    .filter((each) => scoreOf(each) >= least)
    .sort(compare)
    .slice(0, count);
}
