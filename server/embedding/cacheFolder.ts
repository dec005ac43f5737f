import { homedir } from 'node:os';
import path from 'node:path';
import { AppError } from '../../core/errors.ts';

/** What the place of the cache depends on. */
export interface CacheSurroundings {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, absolute. */
  home: string;
}

const name = 'contextkit';

/**
 * The folder for what can be made or fetched again (embeddings, models), by the custom of the platform:
 * `$XDG_CACHE_HOME` or `~/.cache` (XDG Base Directory Specification; a relative value there counts as none),
 * `~/Library/Caches`, `%LOCALAPPDATA%`, each with `contextkit` below it. `CONTEXTKIT_CACHE_DIR` names the folder itself.
 */
export function cacheFolderOf({ platform, env, home }: CacheSurroundings): string {
  const { isAbsolute, join, normalize } = platform === 'win32' ? path.win32 : path.posix;
  const named = env['CONTEXTKIT_CACHE_DIR'] ?? '';
  if (named !== '') {
    if (isAbsolute(named)) return normalize(named);
    throw new AppError('invalid_config', `CONTEXTKIT_CACHE_DIR is not an absolute folder: ${named}`, {
      hint: 'Give the whole path, or unset it.',
    });
  }
  const custom = (variable: string): string | undefined => {
    const value = env[variable] ?? '';
    return isAbsolute(value) ? value : undefined;
  };
  if (platform === 'win32') return join(custom('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'), name);
  if (platform === 'darwin') return join(home, 'Library', 'Caches', name);
  return join(custom('XDG_CACHE_HOME') ?? join(home, '.cache'), name);
}

/** The cache folder of this user on this machine. It may not exist yet. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return cacheFolderOf({ platform: process.platform, env, home: homedir() });
}
