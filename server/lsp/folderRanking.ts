import type { Settings } from '../../protocol/index.ts';
import { readConfigKey } from './folderConfig.ts';

type Ranking = Settings['ranking'];

/** The ranking weights of a workspace folder: they belong to the repository and not to the editor. */
export async function readRanking(
  root: string,
  log: (event: string, fields: Record<string, unknown>) => void,
): Promise<Ranking> {
  return (await readConfigKey(root, 'ranking', log)) ?? {};
}
