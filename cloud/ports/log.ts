export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Names, ids, counts and durations; never source text, questions or keys. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;
