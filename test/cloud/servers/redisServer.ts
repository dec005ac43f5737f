import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './faultyNetwork.ts';

const isThere = spawnSync('redis-server', ['--version']).status === 0;

/** Does this where redis-server is on this machine; elsewhere it says what is left out. */
export function withRedis(title: string, register: () => void): void {
  if (isThere) register();
  else console.log(`not run: ${title} (needs redis-server on the PATH: Debian's package redis-server)`);
}

export interface RedisServer {
  port: number;
  /** As kill -9 does. */
  kill(): Promise<void>;
  /** Stopped as it stands: connections are open, nothing answers. */
  freeze(): void;
  thaw(): void;
  start(): Promise<void>;
  pid(): number;
  close(): Promise<void>;
}

/** A Redis of its own, in memory alone. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const dir = mkdtempSync(path.join(tmpdir(), 'contextkit-redis-'));
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
    const child = spawn('redis-server', [...args, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    running = child;
    let output = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      output += String(text);
      if (output.includes('Ready to accept connections')) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`redis-server does not start:\n${output}`);
  }

  async function kill(): Promise<void> {
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  }

  await start();
  return {
    port,
    kill,
    start,
    pid: () => running!.pid!,
    freeze: () => void running?.kill('SIGSTOP'),
    thaw: () => void running?.kill('SIGCONT'),
    async close() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
