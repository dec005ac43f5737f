#!/usr/bin/env node
import { isAppError, serializeError } from '../core/errors.ts';
import { exitCodeOf, exitCodes } from './exitCodes.ts';
import { openTerminal, printable, type Terminal } from './output/terminal.ts';
import { createProgram, isCommanderError } from './program.ts';

/** Put in by the build. */
declare const programVersion: string;

const abort = new AbortController();
let exitCode: number = exitCodes.ok;
let stoppedBy: NodeJS.Signals | undefined;
let terminal: Terminal | undefined;
let json = false;

/** The first signal asks the command to wind up, the second ends it on the spot. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    const code = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    if (stoppedBy !== undefined) process.exit(code);
    stoppedBy = signal;
    abort.abort();
  });
}

/** `contextkit … | head`: the reader has seen enough. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

function signalCode(): number | undefined {
  if (stoppedBy === undefined) return undefined;
  return stoppedBy === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
}

function openDefaultTerminal(options: { color: boolean; quiet?: boolean }): Terminal {
  return openTerminal({
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    color: options.color,
    quiet: options.quiet === true,
  });
}

function reportError(error: unknown): number {
  const shown = terminal ?? openDefaultTerminal({ color: !process.argv.includes('--no-color') });
  if (isAppError(error) && error.code === 'cancelled') {
    shown.note('Stopped. What was done is kept.');
    return signalCode() ?? exitCodes.interrupted;
  }
  const { code, message, hint, stack } = serializeError(error);
  if (json)
    process.stdout.write(`${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`);
  const style = shown.noteStyle;
  const lines = message.split('\n').map(printable).join('\n');
  process.stderr.write(`${style.red('error:')} ${lines}\n`);
  if (hint !== undefined) process.stderr.write(`${style.cyan('hint:')} ${hint}\n`);
  if (isAppError(error)) return exitCodeOf(error.code);
  process.stderr.write(`${stack ?? ''}\nThis is a fault of ContextKit. Please report it with the lines above.\n`);
  return exitCodes.bug;
}

async function main(): Promise<number> {
  const program = createProgram({
    version: programVersion,
    finish: (code) => {
      exitCode = code;
    },
    session: (options) => {
      terminal = openDefaultTerminal(options);
      json = options.json === true;
      return { terminal, cwd: process.cwd(), signal: abort.signal, common: options, env: process.env };
    },
  });
  try {
    if (process.argv.length <= 2) {
      program.outputHelp();
      return exitCodes.ok;
    }
    await program.parseAsync();
    return signalCode() ?? exitCode;
  } catch (error) {
    // Commander has printed its message or the help already.
    if (isCommanderError(error)) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return reportError(error);
  }
}

void main().then((code) => {
  process.exitCode = code;
});
