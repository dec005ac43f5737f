import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ChildRun {
  wallMs: number;
  /** Peak resident memory of the process and its threads, null where /proc does not tell. */
  peakMb: number | null;
  stdout: string;
}

const sampleEveryMs = 10;

/** The kernel keeps the high-water mark; it only has to be read before the process is gone. */
function highWaterMb(pid: number): number | null {
  try {
    const kb = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? null : Number(kb) / 1024;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return null;
    throw error;
  }
}

/** Runs a Node script to its end; throws when it fails. */
export function runChild(script: string, args: readonly string[]): Promise<ChildRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let peakMb: number | null = null;
    const sampler = setInterval(() => (peakMb = highWaterMb(child.pid!) ?? peakMb), sampleEveryMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => stdout.push(part));
    child.stderr.on('data', (part: Buffer) => stderr.push(part));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(sampler);
      const wallMs = performance.now() - started;
      if (code === 0) resolve({ wallMs, peakMb, stdout: Buffer.concat(stdout).toString() });
      else
        reject(
          new Error(`${script} ${args.join(' ')} ended with ${String(code)}: ${Buffer.concat(stderr).toString()}`),
        );
    });
  });
}
