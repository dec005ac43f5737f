import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Fitted } from '../server/engine/index.ts';
import { configFile } from './workspace.ts';

/**
 * Sets weights under `ranking: tuned:` in .contextkit/config.yaml, with what they were fitted to. Those that were fitted
 * to the same stay beside them, those of another version go; everything else in the file, comments included, stays.
 * Returns the file.
 */
export async function storeRanking(
  root: string,
  ranking: Readonly<Record<string, number | undefined>>,
  { rankedBy, model, index, ranking: version }: Fitted,
): Promise<string> {
  const file = path.join(root, configFile);
  const { isMap, parseDocument } = await import('yaml');
  const document = parseDocument(existsSync(file) ? readFileSync(file, 'utf8') : '');
  const place = ['ranking', 'tuned', rankedBy];
  const isOfNow = document.getIn([...place, 'index']) === index && document.getIn([...place, 'ranking']) === version;
  if (!isOfNow && document.hasIn(place)) document.deleteIn(place);
  // A key without a value holds nothing that something could be put into.
  const hold = (keys: readonly string[]): void => {
    if (!isMap(document.getIn(keys))) document.setIn(keys, document.createNode({}));
  };
  for (const keys of [['ranking'], ['ranking', 'tuned'], place]) hold(keys);
  if (model !== null) document.setIn([...place, 'model'], model);
  document.setIn([...place, 'index'], index);
  document.setIn([...place, 'ranking'], version);
  hold([...place, 'weights']);
  for (const [name, value] of Object.entries(ranking))
    if (value !== undefined) document.setIn([...place, 'weights', name], value);
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
