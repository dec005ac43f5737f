import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';
import { configNames, settings } from '../../protocol/index.ts';
import { exitCodes } from '../exitCodes.ts';
import type { Session } from '../session.ts';
import { configFile, findRoot } from '../workspace.ts';

/** Every key with its default and what it does, commented out. */
export function configTemplate(): string {
  const entries = configNames.map((name) => {
    const { schema, says } = settings[name];
    return `# ${says}\n# ${name}: ${JSON.stringify(schema.parse(undefined))}\n`;
  });
  return `# ContextKit settings of this repository. Remove the "# " before a key to change it.\n\n${entries.join('\n')}`;
}

const folderIgnore = '# Made by ContextKit; config.yaml is yours to share.\n*\n!config.yaml\n!.gitignore\n';

export async function initialize(session: Session, options: { force: boolean }): Promise<number> {
  const root = findRoot(session.common.root, session.cwd);
  const file = path.join(root, configFile);
  if (existsSync(file) && !options.force) {
    throw new AppError('invalid_input', `${file} exists already`, { hint: 'Use --force to write it anew.' });
  }
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(path.join(path.dirname(file), '.gitignore'), folderIgnore);
    writeFileSync(file, configTemplate());
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError('index_unwritable', `${file} cannot be written (${String(code)})`, {
      hint: 'Check the permissions of the folder.',
      cause: error,
    });
  }
  if (session.common.json === true) session.terminal.out(`${JSON.stringify({ config: file })}\n`);
  else
    session.terminal.out(
      `Wrote ${file}\nNext: contextkit index, then contextkit select "a question about this code"\n`,
    );
  return Promise.resolve(exitCodes.ok);
}
