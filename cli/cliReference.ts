import { exitCodes, exitMeanings } from './exitCodes.ts';
import { createProgram } from './program.ts';

/** docs/cli.md, made from the commands themselves. */
export function cliReference(version: string): string {
  const program = createProgram({
    version,
    session: () => {
      throw new Error('no command runs here');
    },
    finish: () => undefined,
  });
  const commands = program.commands.filter((command) => command.name() !== 'demo');
  const sections = commands.flatMap((command) => {
    const takes = command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    );
    const options = command.options.map((option) => `| \`${option.flags}\` | ${option.description} |`);
    return [
      `## contextkit ${[command.name(), ...takes].join(' ')}`,
      '',
      `${command.description()}.`,
      '',
      ...command.registeredArguments.map((argument) => `- \`${argument.name()}\`: ${argument.description}`),
      '',
      ...(options.length > 0 ? ['| Option | What it does |', '|---|---|', ...options] : []),
      '',
    ];
  });
  const codes = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${exitMeanings[name as keyof typeof exitCodes]} |`,
  );
  return [
    '# Command line',
    '',
    'Made by `npm run generate` from `cli/program.ts`.',
    '',
    ...sections,
    '## Exit codes',
    '',
    '| Code | Meaning |',
    '|---|---|',
    ...codes,
    '',
    'With `--json` an error is printed to standard output as `{"error":{"code","message","hint"}}` with the same exit code.',
    '',
    '## Batch',
    '',
    '`contextkit select --queries FILE --json-lines` reads lines `{"id","query"}` and prints, in the same order, lines `{"id","results":[{"path","start_line","end_line","score"}]}`, best first, at most 200 each. Lines it cannot read are named on standard error; the others are answered, and the exit code is 2.',
    '',
  ].join('\n');
}
