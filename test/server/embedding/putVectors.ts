/** A process that puts one vector after the other into a cache and says each number once it is kept. */
import { openEmbeddingCache } from '../../../server/embedding/embeddingCache.ts';
import { digest, dimensions, fingerprint, vector } from './sampleVectors.ts';

const [cacheDir, id, most] = process.argv.slice(2) as [string, string, string];
const cache = await openEmbeddingCache({
  cacheDir,
  model: { fingerprint, dimensions },
  maxBytes: 1e9,
  log: () => undefined,
});
for (let n = 0; n < Number(most); n++) {
  await cache.put(digest(`${id} ${n}`), vector(`${id} ${n}`));
  process.stdout.write(`${n}\n`);
}
await cache.close();
