import type { Log, LogLevel } from '../ports/log.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A line of JSON for each event. */
export function jsonLog(stream: NodeJS.WritableStream, least: LogLevel = 'info'): Log {
  return (level, event, fields = {}) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    stream.write(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}
