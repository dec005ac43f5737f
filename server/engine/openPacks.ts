import { AppError } from '../../core/errors.ts';
import { parsePack } from '../../core/format/parsePack.ts';
import { comparePacks } from '../../core/pack/comparePacks.ts';
import { leadOf, type PackPart } from '../../core/pack/packParts.ts';
import { digest, type PackStore } from './packStore.ts';
import type { Packs, PackSource } from './types.ts';

function load(store: PackStore, source: PackSource): { id: string; parts: PackPart[] } {
  if ('id' in source) {
    const { id, parts } = store.find(source.id);
    return { id, parts };
  }
  const parsed = parsePack(source.text);
  if (parsed === null || parsed.length === 0) {
    throw new AppError('invalid_input', `${source.name} holds no pack`, {
      hint: 'Give what `contextkit select` printed, in any format, or the id of a pack (`contextkit pack list`).',
    });
  }
  const parts = parsed.map(({ content, ...part }) => ({
    ...part,
    hash: digest(content),
    lead: leadOf(content, digest),
  }));
  return { id: source.name, parts };
}

/** What is remembered of packs and conversations, for hosts. */
export function openPacks(store: PackStore): Packs {
  return {
    list: () => store.list(),
    find: (id) => store.find(id),
    sessions: () => store.sessions(),
    forget: (session) => store.forget(session),
    compare(first, second) {
      const [a, b] = [load(store, first), load(store, second)];
      return {
        first: { id: a.id, parts: a.parts.length },
        second: { id: b.id, parts: b.parts.length },
        ...comparePacks(a.parts, b.parts),
      };
    },
  };
}
