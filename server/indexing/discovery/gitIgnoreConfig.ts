import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isFileSystemError, type GitRepository } from './gitRepository.ts';
import { runGit } from './runGit.ts';

/** The two settings of git that decide what is ignored. */
export interface GitIgnoreConfig {
  /** Absolute path; the file need not exist. Null when it is switched off with an empty value. */
  excludesFile: string | null;
  ignoreCase: boolean;
}

export type ReadGitIgnoreConfig = typeof readGitIgnoreConfig;

/** So long an answer holds for files that are saved one after the other; a walk over everything always asks. */
const holdsMs = 60_000;

/**
 * Asks seldom: starting a program takes longer than all else that a saved file needs. All paths lie in one folder.
 * Exported with its clock for tests.
 */
export function askedSeldom(
  ask: ReadGitIgnoreConfig = readGitIgnoreConfig,
  now: () => number = () => performance.now(),
): ReadGitIgnoreConfig {
  let asked: Promise<GitIgnoreConfig> | undefined;
  let askedAt = -Infinity;
  return (folder, repository) => {
    if (asked === undefined || now() - askedAt > holdsMs) {
      askedAt = now();
      asked = ask(folder, repository).catch((error: unknown) => {
        asked = undefined; // the next one tries anew
        throw error;
      });
    }
    return asked;
  };
}

/**
 * Asks git where it is installed (it knows conditional includes and where its system config lies), else reads the
 * config files itself. `repository` is null for a folder outside any repository: then only the user's settings count.
 */
export async function readGitIgnoreConfig(folder: string, repository: GitRepository | null): Promise<GitIgnoreConfig> {
  const asked = await askGit(folder);
  const values = asked ?? readConfigFiles(repository);
  const excludesFile = values.get('core.excludesfile');
  return {
    excludesFile:
      excludesFile === undefined
        ? path.join(configHome(), 'git', 'ignore')
        : excludesFile === ''
          ? null
          : path.resolve(repository?.top ?? folder, expandHome(excludesFile)),
    ignoreCase: isTrue(values.get('core.ignorecase')),
  };
}

const configHome = (): string => process.env['XDG_CONFIG_HOME'] || path.join(homeFolder(), '.config');

const homeFolder = (): string => process.env['HOME'] || os.homedir();

/** `~/x`; `~user/x` is left to git. */
const expandHome = (file: string): string => (/^~[/\\]/.test(file) ? path.join(homeFolder(), file.slice(2)) : file);

const isTrue = (value: string | undefined): boolean =>
  value !== undefined && (/^(true|yes|on)$/i.test(value) || (/^[-+]?\d+$/.test(value) && Number(value) !== 0));

async function askGit(folder: string): Promise<Map<string, string> | null> {
  const printed = await runGit(folder, ['config', '--includes', '-z', '--list']);
  if (printed === null) return null;
  const values = new Map<string, string>();
  for (const entry of Buffer.from(printed, 'latin1').toString('utf8').split('\0')) {
    const end = entry.indexOf('\n');
    // A key without a value means true.
    if (end === -1) values.set(entry, 'true');
    else values.set(entry.slice(0, end), entry.slice(end + 1));
  }
  return values;
}

/** Later files win: system, user (XDG, then ~/.gitconfig), repository. Exported for the machine without git. */
export function readConfigFiles(repository: GitRepository | null): Map<string, string> {
  const values = new Map<string, string>();
  const system = process.env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig';
  const user = process.env['GIT_CONFIG_GLOBAL'];
  const files = [
    ...(isTrue(process.env['GIT_CONFIG_NOSYSTEM']) ? [] : [system]),
    ...(user !== undefined
      ? [user]
      : [path.join(configHome(), 'git', 'config'), path.join(homeFolder(), '.gitconfig')]),
    ...(repository === null ? [] : [path.join(repository.commonDir, 'config')]),
  ];
  for (const file of files) readConfigFile(file, values, 0);
  return values;
}

/** Git itself allows includes ten deep. */
const maxIncludeDepth = 10;

function readConfigFile(file: string, values: Map<string, string>, depth: number): void {
  const content = readIfThere(file);
  if (content === null) return;
  let section = '';
  for (const line of content.split(/\r?\n/)) {
    const header = /^\s*\[([^\]]+)\](.*)$/.exec(line);
    if (header !== null) section = header[1]!.trim().toLowerCase();
    const entry = /^\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$/.exec(header === null ? line : header[2]!);
    if (entry === null) continue;
    const key = `${section}.${entry[1]!.toLowerCase()}`;
    const value = entry[2] === undefined ? 'true' : configValue(entry[2]);
    values.set(key, value);
    if (key !== 'include.path' || depth >= maxIncludeDepth) continue;
    readConfigFile(path.resolve(path.dirname(file), expandHome(value)), values, depth + 1);
  }
}

/** Quotes and escapes of a config value undone, the comment behind it dropped. */
function configValue(text: string): string {
  let value = '';
  let keep = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '"') {
      quoted = !quoted;
      keep = value.length;
    } else if (char === '\\') {
      const escaped = text[++i] ?? '';
      value += { n: '\n', t: '\t', b: '\b' }[escaped] ?? escaped;
      keep = value.length;
    } else if (!quoted && (char === '#' || char === ';')) break;
    else {
      value += char;
      if (quoted || !/\s/.test(char)) keep = value.length;
    }
  }
  return value.slice(0, keep);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (isFileSystemError(error)) return null;
    throw error;
  }
}
