import type { Engine } from '../server/engine/index.ts';
import { nameOf } from './output/referenceLines.ts';
import { printable, startOf } from './output/terminal.ts';

/** Names like the one that was asked for; those of the asked type first. */
async function similarNames(engine: Engine, symbol: string): Promise<string[]> {
  const parts = symbol.split(/::|[.#]/).filter((part) => part !== '');
  const last = parts.at(-1);
  if (last === undefined) return [];
  const found = await engine.symbols({ name: last, limit: 200 });
  const owner = parts.at(-2);
  const near = found.filter(({ container }) => owner !== undefined && container.at(-1) === owner);
  const names = [...near, ...found].filter(({ kind }) => kind !== 'section').map(nameOf);
  return [...new Set(names)].slice(0, 5);
}

/** Says that a name is not known, with those that are like it. */
export async function noSuchSymbol(engine: Engine, symbol: string, inside: string | undefined): Promise<string> {
  const where = inside === undefined ? '' : ` in ${printable(inside)}`;
  const names = await similarNames(engine, symbol);
  const hint = names.length === 0 ? '' : ` Similar: ${names.map(printable).join(', ')}.`;
  return `No symbol is called "${startOf(symbol)}"${where}.${hint}`;
}
