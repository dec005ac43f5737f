/** `npm run test:e2e`: packages the VSIX, sets up the editor, and runs test/e2e in it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root, setUp } from '../setup.mjs';
import { setUpEditor } from './setUpEditor.mjs';

await setUp();
const vsix = path.join(root, '.e2e/contextkit.vsix');
const packaged = spawnSync(process.execPath, [path.join(root, 'scripts/package.mjs'), '--out', vsix], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (packaged.status !== 0) process.exit(packaged.status ?? 1);
const { chromiumPath } = await setUpEditor();
const tests = spawnSync(process.execPath, [path.join(root, 'scripts/test.mjs'), 'test/e2e/**/*.e2e.ts'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, CONTEXTKIT_VSIX: vsix, CHROMIUM: chromiumPath },
});
process.exit(tests.status ?? 1);
