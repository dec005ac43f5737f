import type { Log, LogLevel } from '../ports/log.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/**
 * So long a line waits for others: the server stands still while something is written to a file or a pipe. What is wrong
 * is told at once.
 */
const gatherMs = 100;
const atOnce = new Set<LogLevel>(['warn', 'error']);

/** A line of JSON for each event. */
export function jsonLog(stream: NodeJS.WritableStream, least: LogLevel = 'info'): Log {
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting !== '') stream.write(waiting);
    waiting = '';
  };
  // However the program ends.
  process.once('exit', flush);
  return (level, event, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    waiting += `${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`;
    if (atOnce.has(level)) flush();
    else timer ??= setTimeout(flush, gatherMs).unref();
  };
}
