import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { configFile } from './workspace.ts';

/**
 * Sets weights under `ranking:` in .contextkit/config.yaml, beside those that stand there; everything else in the file,
 * comments included, stays. Returns the file.
 */
export async function storeRanking(
  root: string,
  ranking: Readonly<Record<string, number | undefined>>,
): Promise<string> {
  const file = path.join(root, configFile);
  const { isMap, parseDocument } = await import('yaml');
  const document = parseDocument(existsSync(file) ? readFileSync(file, 'utf8') : '');
  // A key without a value holds nothing that a weight could be put into.
  if (!isMap(document.get('ranking'))) document.set('ranking', document.createNode({}));
  for (const [name, value] of Object.entries(ranking))
    if (value !== undefined) document.setIn(['ranking', name], value);
  const fresh = `${file}.${process.pid}.new`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(fresh, document.toString({ lineWidth: 0 }));
    renameSync(fresh, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError('index_unwritable', `${file} cannot be written (${String(code)})`, {
      hint: 'Check the permissions of the folder.',
      cause: error,
    });
  }
  return file;
}
