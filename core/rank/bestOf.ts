/** Used again: a list is as long as a repository has files. */
let scores = new Float64Array(0);
let selected = new Float64Array(0);

/**
 * The first `count` of a list in the order of their scores, higher ones first, and of `inOrder` among equal ones: what
 * sorting all of it would give, without sorting what is far behind.
 */
export function bestOf<T>(
  list: ArrayLike<T>,
  count: number,
  scoreOf: (each: T) => number,
  inOrder: (a: T, b: T) => number,
): T[] {
  const compare = (a: T, b: T): number => scoreOf(b) - scoreOf(a) || inOrder(a, b);
  const { length } = list;
  if (length <= count) return Array.from(list).sort(compare);
  if (count <= 0) return [];
  if (scores.length < length) {
    scores = new Float64Array(2 * length);
    selected = new Float64Array(2 * length);
  }
  for (let i = 0; i < length; i++) scores[i] = selected[i] = scoreOf(list[i]!);
  const least = nthHighest(selected.subarray(0, length), count);
  const best: T[] = [];
  for (let i = 0; i < length; i++) if (scores[i]! >= least) best.push(list[i]!);
  return best.sort(compare).slice(0, count);
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
