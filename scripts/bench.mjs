/** `npm run bench [-- NAME …]`: sets up, builds and runs the benchmarks of bench/ on the built program. */
import path from 'node:path';
import { root, runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode(['--import', 'tsx', path.join(root, 'bench/main.ts'), ...process.argv.slice(2)], {
  cwd: root,
});
