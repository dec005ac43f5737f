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
  const scores = new Float64Array(list.length);
  for (let i = 0; i < scores.length; i++) scores[i] = scoreOf(list[i]!);
  const least = nthHighest(scores.slice(), count);
  return list
    .filter((_, i) => scores[i]! >= least)
    .sort(compare)
    .slice(0, count);
}

/** The value that `count` others of the list reach, itself included (Hoare's selection). Reorders the list. */
function nthHighest(values: Float64Array, count: number): number {
  const wanted = count - 1;
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left]! > pivot) left++;
      while (values[right]! < pivot) right--;
      if (left > right) break;
      const swapped = values[left]!;
      values[left++] = values[right]!;
      values[right--] = swapped;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return values[wanted]!;
}
