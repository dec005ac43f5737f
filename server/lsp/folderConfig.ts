import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseConfig, type Config } from '../../protocol/index.ts';

type Log = (event: string, fields: Record<string, unknown>) => void;

/**
 * One key of a workspace folder's .contextkit/config.yaml: for what belongs to the repository and not to the editor.
 * Undefined when it is not there; a key that is faulty is named in the log and counts as not there.
 */
export async function readConfigKey<Key extends keyof Config>(
  root: string,
  key: Key,
  log: Log,
): Promise<Config[Key] | undefined> {
  const file = path.join(root, '.contextkit', 'config.yaml');
  const refuse = (message: string): undefined => {
    log(`${key} of the folder not used`, { file, message });
    return undefined;
  };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : refuse(String(code));
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  if (document.errors[0] !== undefined) return refuse(document.errors[0].message);
  const { config, faults } = parseConfig(document.toJS());
  const fault = faults.find((each) => each.key === key || each.key.startsWith(`${key}.`));
  return fault === undefined ? config[key] : refuse(`${fault.key}: ${fault.message}`);
}
