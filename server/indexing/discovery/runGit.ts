import { execFile } from 'node:child_process';

/** Variables of a surrounding git command (a hook, say) that would make git look at another repository. */
const inherited = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_COMMON_DIR', 'GIT_NAMESPACE'];

const timeoutMs = 20_000;

/**
 * Runs git in `folder` and resolves to what it printed, as one character per byte; null if git is not there, failed
 * or took longer than 20 s. Commands that a repository's own config could name are not run (core.fsmonitor).
 */
export function runGit(folder: string, args: readonly string[], signal?: AbortSignal): Promise<string | null> {
  const env: NodeJS.ProcessEnv = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' };
  for (const name of inherited) delete env[name];
  return new Promise((resolve) => {
    execFile(
      'git',
      ['-c', 'core.fsmonitor=false', ...args],
      {
        cwd: folder,
        env,
        encoding: 'latin1',
        maxBuffer: 1 << 28,
        timeout: timeoutMs,
        windowsHide: true,
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout) => resolve(error === null ? stdout : null),
    );
  });
}
