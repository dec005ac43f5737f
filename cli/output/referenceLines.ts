import type { GraphSymbol, ReferenceAnswer, ReferenceRow } from '../../server/engine/index.ts';
import { counted, printable, type Style } from './terminal.ts';

/** How the reader says what narrows or widens an answer: options of a command, or parameters of a tool. */
export interface Wording {
  limit: string;
  inside: string;
}

/** `Outer.name`; a name that is qualified already (`Server::listen`) stays as it is written. */
export const nameOf = ({ container, name }: GraphSymbol): string => [...container, name].join('.');

/** The definition itself, with its signature. */
export function headLines(symbol: GraphSymbol, style: Style): string[] {
  const place = `${printable(symbol.path)}:${symbol.line}`;
  return [
    `${style.bold(printable(nameOf(symbol)))}  ${style.dim(symbol.kind)}  ${place}`,
    `  ${style.dim(printable(symbol.signature))}`,
  ];
}

const plural: Record<ReferenceRow['kind'], [one: string, many: string]> = {
  call: ['call', 'calls'],
  type: ['use as a type', 'uses as a type'],
  value: ['use as a value', 'uses as a value'],
  member: ['access', 'accesses'],
  import: ['import', 'imports'],
};

function summary(kinds: ReferenceAnswer['definitions'][number]['kinds']): string {
  return (Object.keys(plural) as ReferenceRow['kind'][])
    .flatMap((kind) => {
      const count = kinds[kind] ?? 0;
      return count === 0 ? [] : [`${counted(count, plural[kind][0], plural[kind][1])}`];
    })
    .join(', ');
}

/** Uses in one file, a line with several of them once. */
function fileLines(path: string, references: readonly ReferenceRow[], style: Style): string[] {
  const lines = references.filter((each, i) => each.line !== references[i - 1]?.line);
  const width = String(lines.at(-1)!.line).length;
  return [
    `  ${style.bold(printable(path))}`,
    ...lines.map(
      ({ line, kind, text }) => `    ${String(line).padStart(width)}  ${style.dim(kind.padEnd(6))}  ${printable(text)}`,
    ),
  ];
}

/** References of each definition, grouped by file. */
export function referenceLines(
  { definitions, more, changed, unread }: ReferenceAnswer,
  wording: Wording,
  style: Style,
): string[] {
  const lines: string[] = [];
  for (const { symbol, references, total, files, kinds } of definitions) {
    lines.push(...headLines(symbol, style));
    const byFile = new Map<string, ReferenceRow[]>();
    for (const each of references) byFile.set(each.path, [...(byFile.get(each.path) ?? []), each]);
    const cut =
      total > references.length ? ` (the first ${references.length} of ${total}; ${wording.limit} shows more)` : '';
    lines.push(
      total === 0
        ? '  no known references'
        : `  ${counted(total, 'reference')} in ${counted(files, 'file')}: ${summary(kinds)}${cut}`,
    );
    for (const [path, rows] of byFile) lines.push(...fileLines(path, rows, style));
    lines.push('');
  }
  if (more > 0)
    lines.push(
      `… and ${counted(more, 'definition')} more of this name: ${wording.inside} or Type.member says which.`,
      '',
    );
  if (changed.length > 0)
    lines.push(`${counted(changed.length, 'file')} changed since they were indexed and are left out.`, '');
  if (unread > 0)
    lines.push(
      `${counted(unread, 'file')} more hold the name and were not looked at: ${wording.inside} narrows it.`,
      '',
    );
  return lines;
}
