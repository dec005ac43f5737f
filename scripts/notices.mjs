import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const licenceName = /^(licen[cs]e|copying|unlicense)([-.].*)?$/i;

const mit = (holder) => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Licence texts of packages that come without: from their read-me files and repositories. */
const supplied = {
  '@hono/zod-openapi': () => mit('the authors of https://github.com/honojs/middleware'),
  '@hono/zod-validator': () => mit('the authors of https://github.com/honojs/middleware'),
  'pg-types': () => mit('2014 Brian M. Carlson'),
  pgpass: () => mit('2013-2016 Hannes Hörl'),
  'onnxruntime-common': () => mit('Microsoft Corporation'),
  'onnxruntime-node': ({ version }) =>
    `${mit('Microsoft Corporation')}\n\nIts binaries hold further components, named with their licences in\nhttps://github.com/microsoft/onnxruntime/blob/v${version}/ThirdPartyNotices.txt`,
};

/** Name, version, licence (SPDX) and licence text of the package in `folder`. */
export function licenceOf(folder) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const spdx = manifest.license ?? manifest.licenses?.map(({ type }) => type).join(' OR ');
  if (spdx === undefined) throw new Error(`${folder}: package.json names no licence`);
  const files = readdirSync(folder).filter((name) => licenceName.test(name));
  if (files.length === 0 && supplied[manifest.name] !== undefined)
    return { name: manifest.name, version: manifest.version, spdx, text: supplied[manifest.name](manifest) };
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
