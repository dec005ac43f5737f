import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseConfig, type Settings } from '../../protocol/index.ts';

type Ranking = Settings['ranking'];

/**
 * The ranking weights of a workspace folder, from its .contextkit/config.yaml: they belong to the repository and not to
 * the editor. A file that is faulty is named in the log and changes nothing.
 */
export async function readRanking(
  root: string,
  log: (event: string, fields: Record<string, unknown>) => void,
): Promise<Ranking> {
  const file = path.join(root, '.contextkit', 'config.yaml');
  const refuse = (message: string): Ranking => {
    log('ranking weights not used', { file, message });
    return {};
  };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? {} : refuse(String(code));
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  if (document.errors[0] !== undefined) return refuse(document.errors[0].message);
  const { config, faults } = parseConfig(document.toJS());
  const fault = faults.find(({ key }) => key === 'ranking' || key.startsWith('ranking.'));
  return fault === undefined ? (config.ranking ?? {}) : refuse(`${fault.key}: ${fault.message}`);
}
