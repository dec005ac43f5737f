import type { HeldRange, MapEntry, PackDocument } from '../pack/types.ts';

/** One value a line: tokens are counted block by block, and people can read it. */
function array(values: readonly string[]): string[] {
  return values.map((value, i) => `${value}${i + 1 < values.length ? ',' : ''}\n`);
}

/** The beginning of a file of a map. */
export const jsonFrame = (path: string, language: string): string =>
  `{"path":${JSON.stringify(path)},"language":${JSON.stringify(language)},"symbols":[\n`;

export const jsonEntry = ({ line, depth, signature, gap }: MapEntry): string =>
  JSON.stringify({ line, depth, signature, ...(gap ? { gap } : {}) });

const place = ({ path, startLine, endLine }: HeldRange) => ({ path, start_line: startLine, end_line: endLine });

export function json(pack: PackDocument): string[] {
  if (pack.mode === 'map') {
    const files = pack.files.map(({ path, language, entries, more }) => {
      return `${jsonFrame(path, language)}${array(entries.map(jsonEntry)).join('')}]${more ? ',"more":true' : ''}}`;
    });
    return [`{"mode":"map","files":[\n`, ...array(files), `],"left_out":${pack.leftOut}}\n`];
  }
  const files = pack.files.map(({ path, language, ranges }) => {
    const inside = ranges.map((range) =>
      JSON.stringify({
        start_line: range.startLine,
        end_line: range.endLine,
        kind: range.kind,
        scope: range.scope,
        content: range.content,
      }),
    );
    const head = `{"path":${JSON.stringify(path)},"language":${JSON.stringify(language)},"ranges":[`;
    return `${head}\n${array(inside).join('')}]}`;
  });
  const list = (name: string, values: readonly object[]): string[] =>
    values.length === 0 ? [] : [`,"${name}":[\n`, ...array(values.map((value) => JSON.stringify(value))), ']\n'];
  return [
    `{"mode":"full","files":[\n`,
    ...array(files),
    `]\n`,
    ...list('used', pack.used),
    ...list('also_relevant', pack.signatures),
    ...list('held', pack.held.map(place)),
    ...list('renewed', pack.renewed.map(place)),
    `,"left_out":${pack.leftOut}}\n`,
  ];
}
