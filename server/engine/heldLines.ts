import { AppError } from '../../core/errors.ts';
import type { LineRange } from '../../core/model.ts';
import { leadOf, type PackPart } from '../../core/pack/packParts.ts';
import type { PackFile } from '../../core/pack/types.ts';
import { digest, type PackStore } from './packStore.ts';
import { readCurrent, type VerifyParts } from './verifyRanges.ts';

/** What a conversation holds, by path. */
export interface Held {
  /** Lines that still are what the conversation got. */
  unchanged: Map<string, LineRange[]>;
  /** Where lines stood that have changed since. */
  outdated: Map<string, LineRange[]>;
  /** Files that changed after they were indexed. */
  stale: string[];
}

type HeldPart = Pick<PackPart, 'path' | 'startLine' | 'endLine' | 'hash'> & { lead: string | null };

/** A range as `chunks[].id` names it. */
const rangeId = /^(.+):(\d+)-(\d+)@([0-9a-f]{8,16})$/s;

export const idOfRange = (path: string, { startLine, endLine }: LineRange, content: string): string =>
  `${path}:${startLine}-${endLine}@${digest(content)}`;

function partsOf(packs: PackStore, id: string): HeldPart[] {
  const range = rangeId.exec(id);
  if (range !== null) {
    const [, path, startLine, endLine, hash] = range as unknown as [string, string, string, string, string];
    return [{ path, startLine: Number(startLine), endLine: Number(endLine), hash, lead: null }];
  }
  if (!/^[0-9a-f]{4,16}$/.test(id)) {
    throw new AppError('invalid_input', `"${id}" is neither the id of a pack nor of a range`, {
      hint: 'Give pack ids (`contextkit pack list`) or the ids of ranges (`select --json`: chunks[].id).',
    });
  }
  return packs.find(id).parts.filter(({ kind }) => kind !== 'signature');
}

/** Where the text of a part stands now, in place or moved; null if it is not there any more. */
function placeOf(file: PackFile, part: HeldPart): LineRange | null {
  const length = part.endLine - part.startLine;
  const isAt = (startLine: number): boolean =>
    startLine >= 1 &&
    startLine + length <= file.lineCount &&
    digest(file.slice(startLine, startLine + length)).startsWith(part.hash);
  if (isAt(part.startLine)) return { startLine: part.startLine, endLine: part.endLine };
  if (part.lead === null) return null;
  for (let line = 1; line + length <= file.lineCount; line++) {
    if (leadOf(file.slice(line, line), digest) === part.lead && isAt(line))
      return { startLine: line, endLine: line + length };
  }
  return null;
}

/** Resolves ids of packs and ranges, and a session; compares with the files as they are. Faults are errors with a hint. */
export async function resolveHeld(
  parts: VerifyParts,
  packs: PackStore,
  { have, session, signal }: { have: readonly string[]; session: string | undefined; signal: AbortSignal | undefined },
): Promise<Held> {
  const held: Held = { unchanged: new Map(), outdated: new Map(), stale: [] };
  const all: HeldPart[] = have.flatMap((id) => partsOf(packs, id));
  if (session !== undefined)
    all.push(...(packs.session(session)?.parts ?? []).filter(({ kind }) => kind !== 'signature'));
  if (all.length === 0) return held;
  const { files, stale } = await readCurrent(parts, [...new Set(all.map(({ path }) => path))], signal);
  held.stale = stale;
  for (const part of all) {
    const file = files.get(part.path)?.file;
    if (file === undefined) continue;
    const place = placeOf(file, part);
    const into = place === null ? held.outdated : held.unchanged;
    const list = into.get(part.path) ?? [];
    list.push(place ?? { startLine: part.startLine, endLine: part.endLine });
    into.set(part.path, list);
  }
  return held;
}
