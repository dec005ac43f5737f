import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../core/errors.ts';
import { parseConfig, type Config } from '../protocol/index.ts';

export const configFile = path.join('.contextkit', 'config.yaml');

/** The folder asked for, else the nearest one upwards that is a repository or has an index, else the current one. */
export function findRoot(asked: string | undefined, cwd: string): string {
  if (asked !== undefined) return existingFolder(path.resolve(cwd, asked));
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, '.git')) || existsSync(path.join(folder, '.contextkit'))) return folder;
    if (path.dirname(folder) === folder) return cwd;
  }
}

function existingFolder(folder: string): string {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return folder;
  throw new AppError(
    'root_unreadable',
    stats === undefined ? `there is no such folder: ${folder}` : `this is not a folder: ${folder}`,
    {
      hint: 'Give the folder to index with --root.',
    },
  );
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new AppError('invalid_config', `${file} cannot be read (${String(code)})`, {
      hint: 'Check its permissions.',
      cause: error,
    });
  }
}

/** .contextkit/config.yaml, {} when there is none. Faults are invalid_config, each with its place or key. */
export async function readConfig(root: string): Promise<Config> {
  const file = path.join(root, configFile);
  const text = readIfThere(file);
  if (text === null) return {};
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: true });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const at = broken.linePos?.[0];
    const place = at === undefined ? '' : ` at line ${at.line}, column ${at.col}`;
    throw new AppError(
      'invalid_config',
      `${file} is not valid YAML${place}: ${broken.message.split('\n', 1).join('')}`,
      {
        hint: 'Mend the file, or make a new one with `contextkit init --force`.',
      },
    );
  }
  const { config, faults } = parseConfig(document.toJS());
  if (faults.length > 0) {
    const list = faults.map(({ key, message }) => `${key === '' ? 'the file' : key}: ${message}`).join('\n  ');
    throw new AppError('invalid_config', `${file} has ${faults.length === 1 ? 'a fault' : 'faults'}:\n  ${list}`, {
      hint: 'Mend the file; `contextkit init --force` writes one with every key explained.',
    });
  }
  return config;
}
