import type { SelectedChunk } from '../../server/engine/index.ts';
import { printable, type Style } from './terminal.ts';

const nameWidth = 'file meaning'.length;

/** The parts of a score, a line each. */
export function scoreLines(
  parts: NonNullable<SelectedChunk['parts']>,
  style: Pick<Style, 'dim'>,
  indent: string,
): string[] {
  return parts.map(({ name, value, detail }) => {
    const line = `${indent}${name.padEnd(nameWidth)} ${value.toFixed(2).padStart(8)}`;
    return detail === undefined || detail === '' ? line : `${line}  ${style.dim(printable(detail))}`;
  });
}

/** The parts of each score, one block a range. */
export function explanation(chunks: readonly SelectedChunk[], style: Style): string[] {
  return chunks.flatMap((chunk, i) => [
    style.bold(`${i + 1}. ${printable(chunk.path)}:${chunk.startLine}-${chunk.endLine}`) +
      (chunk.scope === '' ? '' : `  ${printable(chunk.scope)}`),
    ...scoreLines(chunk.parts ?? [], style, '   '),
  ]);
}
