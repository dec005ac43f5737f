/**
 * `npm run generate [-- --check]`: writes what is made from schemas and command definitions: the settings in the
 * manifest, docs/settings.md, docs/cli.md and api/openapi.yaml. With --check it writes nothing and fails when something is out of date.
 */
import { build } from 'esbuild';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { root } from './setup.mjs';

/** Sources are TypeScript: bundled into a folder of their own and loaded from there. */
async function load(entry) {
  mkdirSync(path.join(root, '.tsbuild'), { recursive: true });
  const folder = mkdtempSync(path.join(root, '.tsbuild', 'generate-'));
  try {
    const outfile = path.join(folder, 'module.mjs');
    await build({
      entryPoints: [path.join(root, entry)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'error',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const pretty = async (file, text) => format(text, { ...(await resolveConfig(path.join(root, file))), filepath: file });

function write(file, text, faults) {
  const target = path.join(root, file);
  if (existsSync(target) && readFileSync(target, 'utf8') === text) return;
  if (process.argv.includes('--check')) faults.push(file);
  else {
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

const { machineSettings, manifestSettings, settingsReference } = await load('protocol/settingsReference.ts');
const { cliReference } = await load('cli/cliReference.ts');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
manifest.contributes.configuration = manifestSettings();
manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = machineSettings();

const { apiDocument } = await load('cloud/node/apiDocument.ts');

const faults = [];
write('package.json', await pretty('package.json', JSON.stringify(manifest)), faults);
write('docs/settings.md', await pretty('docs/settings.md', settingsReference()), faults);
write('docs/cli.md', await pretty('docs/cli.md', cliReference(manifest.version)), faults);
// Each schema is written out where it is first needed; nothing is an alias of something else.
const api = stringify(JSON.parse(JSON.stringify(apiDocument(manifest.version))), { lineWidth: 0 });
write('api/openapi.yaml', await pretty('api/openapi.yaml', api), faults);
if (faults.length > 0) {
  console.error(`out of date: ${faults.join(', ')}; run npm run generate`);
  process.exitCode = 1;
}
