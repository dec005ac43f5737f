import type { SelectedChunk } from '../../server/engine/index.ts';
import { printable, type Style } from './terminal.ts';

/** The parts of each score, one block a range. */
export function explanation(chunks: readonly SelectedChunk[], style: Style): string[] {
  return chunks.flatMap((chunk, i) => [
    style.bold(`${i + 1}. ${printable(chunk.path)}:${chunk.startLine}-${chunk.endLine}`) +
      (chunk.scope === '' ? '' : `  ${printable(chunk.scope)}`),
    ...(chunk.parts ?? []).map(
      ({ name, value, detail }) =>
        `   ${name.padEnd(11)} ${value.toFixed(2).padStart(8)}${detail === undefined || detail === '' ? '' : `  ${style.dim(detail)}`}`,
    ),
  ]);
}
