import { spawn } from 'node:child_process';
import { AppError } from '../../core/errors.ts';

export type GitAnswer =
  | { kind: 'done'; out: Buffer }
  /** Git ran and said no; `message` is what it printed to stderr. */
  | { kind: 'failed'; code: number | null; message: string }
  /** There is no git program. */
  | { kind: 'missing' };

export interface GitOptions {
  signal?: AbortSignal | undefined;
  /** Default 120,000. */
  timeoutMs?: number;
  /** Written to its standard input. */
  input?: string;
}

/** Whatever the user's and the repository's configuration say: same history, same bytes, and nothing of theirs is run. */
const fixedSettings = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.quotePath=false',
  'core.untrackedCache=false',
  'log.showSignature=false',
  'log.follow=false',
  'log.mailmap=false',
  'diff.suppressBlankEmpty=false',
  'diff.mnemonicPrefix=false',
  'gc.auto=0',
  'maintenance.auto=false',
].flatMap((setting) => ['-c', setting]);

/** Our own surroundings less everything that would tell git where to look, what to run or how to print. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env))
    if (!name.startsWith('GIT_') || name === 'GIT_EXEC_PATH') env[name] = value;
  return {
    ...env,
    LC_ALL: 'C',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    // A partial clone would fetch what it lacks: reading the past must not touch the network.
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  };
}

/** A git process in `folder`, with settings of its own. The caller listens to 'error' (there may be no git) and 'close'. */
export function startGit(folder: string, args: readonly string[], signal?: AbortSignal) {
  return spawn('git', ['--no-pager', '--literal-pathspecs', ...fixedSettings, ...args], {
    cwd: folder,
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    ...(signal === undefined ? {} : { signal }),
  });
}

const mostErrorText = 2_000;

/** Runs git in `folder` to its end. Rejects with the signal's reason when it is aborted. */
export function runGit(
  folder: string,
  args: readonly string[],
  { signal, timeoutMs = 120_000, input = '' }: GitOptions = {},
): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = startGit(folder, args, signal);
    const chunks: Buffer[] = [];
    let message = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      if (message.length < mostErrorText) message += chunk.toString('utf8');
    });
    // A git that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') resolve({ kind: 'missing' });
      else resolve({ kind: 'failed', code: null, message: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (late) resolve({ kind: 'failed', code, message: `git took longer than ${timeoutMs / 1000} s` });
      else if (code === 0) resolve({ kind: 'done', out: Buffer.concat(chunks) });
      else resolve({ kind: 'failed', code, message: message.trim().slice(0, mostErrorText) });
    });
  });
}

/** What git printed, as text; a git that failed is an error of ours, with its own words. */
export async function gitText(folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const answer = await runGit(folder, args, options);
  if (answer.kind === 'done') return answer.out.toString('utf8');
  const reason = answer.kind === 'missing' ? 'there is no git program' : answer.message.split('\n', 1)[0]!;
  throw new AppError('history_missing', `git ${args[0] ?? ''} failed: ${reason}`, {
    hint: 'Try the same with git in this folder: the repository may be damaged or incomplete.',
  });
}
