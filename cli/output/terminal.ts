/** What the program may write, and how: colours, width, and whether somebody watches. */
export interface Terminal {
  /** Results. */
  out(text: string): void;
  /** Notes, progress, errors. */
  note(text: string): void;
  /** stderr is a terminal that can redraw a line. */
  readonly interactive: boolean;
  readonly quiet: boolean;
  columns(): number;
  redraw(line: string): void;
  readonly outStyle: Style;
  readonly noteStyle: Style;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
} as const;

function styleOf(coloured: boolean): Style {
  const paint =
    ([on, off]: readonly [number, number]) =>
    (text: string): string =>
      coloured ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    red: paint(codes.red),
    yellow: paint(codes.yellow),
    green: paint(codes.green),
    cyan: paint(codes.cyan),
  };
}

/** No colours. */
export const plain: Style = styleOf(false);

export interface TerminalOptions {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  env: NodeJS.ProcessEnv;
  color: boolean;
  quiet: boolean;
}

/** Colours: --no-color and NO_COLOR switch them off, FORCE_COLOR on, otherwise a terminal has them. */
function coloured(stream: NodeJS.WriteStream, { env, color }: TerminalOptions): boolean {
  if (!color || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

export function openTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env, quiet } = options;
  return {
    out: (text) => void stdout.write(text),
    note: (text) => {
      if (!quiet) stderr.write(`${text}\n`);
    },
    interactive: stderr.isTTY === true && env['TERM'] !== 'dumb' && !quiet,
    quiet,
    columns: () => stderr.columns ?? 80,
    redraw: (line) => void stderr.write(`\r${line}\u001b[K`),
    outStyle: styleOf(coloured(stdout, options)),
    noteStyle: styleOf(coloured(stderr, options)),
  };
}

/** e.g. 1 file, 2 files, 1,234 files */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`;
}

const named: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Control characters and line breaks in a name must not play with the terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Characters of a name that is not known. */
const mostShown = 80;

/** What somebody asked for, printable, of a long one the start. */
export const startOf = (asked: string): string =>
  printable(asked.length > mostShown ? `${asked.slice(0, mostShown)}…` : asked);

/** At most `width` characters, the middle of a long one replaced by an ellipsis. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width < 4) return text.slice(0, Math.max(0, width));
  const head = Math.floor((width - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(0)} KB`;
  return `${(count / 1024 ** 2).toFixed(1)} MB`;
}
