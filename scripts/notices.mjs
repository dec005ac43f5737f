import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const licenceName = /^(licen[cs]e|copying|unlicense)([-.].*)?$/i;

/** Name, version, licence (SPDX) and licence text of the package in `folder`. */
export function licenceOf(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const spdx = manifest.license ?? manifest.licenses?.map(({ type }) => type).join(' OR ');
  if (spdx === undefined) throw new Error(`${folder}: package.json names no licence`);
  const files = readdirSync(folder).filter((name) => licenceName.test(name));
  if (files.length === 0) throw new Error(`${folder} (${spdx}) ships no licence text: say where it is`);
  const texts = files.map((name) => readFileSync(path.join(folder, name), 'utf8').trim());
  return { name: manifest.name, version: manifest.version, spdx, text: texts.join('\n\n') };
}

const rule = '='.repeat(100);

/** The text of THIRD-PARTY-NOTICES.txt. `folders` (relative to `root`) are the packages with code or data in the product. */
export function thirdPartyNotices(root, folders) {
  const parts = folders
    .map((folder) => licenceOf(path.join(root, folder)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, version, spdx, text }) => `${rule}\n${name} ${version} (${spdx})\n${rule}\n\n${text}\n`);
  return `ContextKit contains code or data of the following packages.\n\n${parts.join('\n')}`;
}
