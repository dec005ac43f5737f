import type { FoundSymbol } from '../../server/engine/index.ts';
import { printable, type Style } from './terminal.ts';

/** Place, kind and name of each, then its signature. */
export function symbolLines(found: readonly FoundSymbol[], style: Style): string[] {
  return found.flatMap(({ path, line, kind, container, name, signature }) => {
    const scope = [...container, name].join(' › ');
    return [
      `${printable(path)}:${line}  ${style.dim(kind)} ${style.bold(printable(scope))}`,
      `    ${printable(signature)}`,
    ];
  });
}
