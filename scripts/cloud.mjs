/**
 * `npm run cloud [-- --data DIR --port N]`: the whole platform on this machine, straight from a clone, without any other
 * service. Other commands of contextkit-cloud work as well: `npm run cloud -- serve`.
 */
import path from 'node:path';
import { root, runNode, setUp } from './setup.mjs';

await setUp();
process.exitCode = await runNode([path.join(root, 'dist/cloud/cloud.cjs'), ...process.argv.slice(2)], {
  cwd: process.env['INIT_CWD'] ?? process.cwd(),
});
