/**
 * `npm start -- <args>`: the command line program, straight from a clone. Without arguments it gives its demo.
 * It runs where the user stands, and its stdout holds nothing but its own output.
 */
import path from 'node:path';
import { root, runNode, setUp } from './setup.mjs';

await setUp();
const args = process.argv.slice(2);
process.exitCode = await runNode([path.join(root, 'dist/cli.cjs'), ...(args.length === 0 ? ['demo'] : args)], {
  cwd: process.env['INIT_CWD'] ?? process.cwd(),
});
