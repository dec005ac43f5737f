/**
 * `npm run test:e2e`: packages the VSIX, sets up an editor, and runs test/e2e in it.
 * `npm run test:e2e -- oldest` takes the oldest VS Code that is supported, with a dark theme.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root, setUp } from '../setup.mjs';
import { editors, setUpEditor } from './setUpEditor.mjs';

const editor = process.argv[2] ?? 'newest';
if (!editors.includes(editor)) {
  console.error(`There is no editor "${editor}". Use one of: ${editors.join(', ')}.`);
  process.exit(2);
}
await setUp();
const vsix = path.join(root, '.e2e/contextkit.vsix');
const packaged = spawnSync(process.execPath, [path.join(root, 'scripts/package.mjs'), '--out', vsix], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (packaged.status !== 0) process.exit(packaged.status ?? 1);
const { modules, chromiumPath } = setUpEditor(editor);
const tests = spawnSync(process.execPath, [path.join(root, 'scripts/test.mjs'), 'test/e2e/**/*.e2e.ts'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    CONTEXTKIT_VSIX: vsix,
    CONTEXTKIT_EDITOR: editor,
    CONTEXTKIT_EDITOR_MODULES: modules,
    CHROMIUM: chromiumPath,
  },
});
process.exit(tests.status ?? 1);
