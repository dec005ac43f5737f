/** Slices of that length; the last one may be shorter. */
export function* slicesOf<T>(items: readonly T[], length: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += length) yield items.slice(from, from + length);
}

/** Runs `work` on each item, so many at a time. The first error ends it, once those that run have ended. */
export async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      try {
        await work(items[next++]!);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
