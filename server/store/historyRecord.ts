import type { PastCommit } from '../../core/history/types.ts';
import { ByteReader, ByteWriter } from '../../core/records/varint.ts';

/** So many hex digits tell a few thousand commits apart. */
export const idDigits = 12;
const latestTime = 0xffff_ffff;

/** Commits: the paths and stems, each once, then each commit with numbers for its own. */
export function encodeHistory(commits: readonly PastCommit[]): Uint8Array {
  const ids = new Map<string, number>();
  const idOf = (text: string): number => {
    let id = ids.get(text);
    if (id === undefined) ids.set(text, (id = ids.size));
    return id;
  };
  const body = new ByteWriter();
  body.number(commits.length);
  for (const { id, time, stems, files } of commits) {
    body.text(id.slice(0, idDigits));
    body.number(Math.min(latestTime, Math.max(0, Math.floor(time) || 0)));
    body.number(stems.length);
    for (const root of stems) body.number(idOf(root));
    body.number(files.length);
    for (const { path, from } of files) {
      body.number(idOf(path) * 2 + (from === undefined ? 0 : 1));
      if (from !== undefined) body.number(idOf(from));
    }
  }
  const record = new ByteWriter();
  record.number(ids.size);
  for (const text of ids.keys()) record.text(text);
  record.bytes(body.finish());
  return record.finish();
}

/** Ids come back shortened. */
export function decodeHistory(bytes: Uint8Array): PastCommit[] {
  const input = new ByteReader(bytes);
  const texts = Array.from({ length: input.number() }, () => input.text());
  const textOf = (id: number): string => {
    const found = texts[id];
    if (found === undefined) throw new RangeError(`the record has no string ${id}`);
    return found;
  };
  return Array.from({ length: input.number() }, () => ({
    id: input.text(),
    time: input.number(),
    stems: Array.from({ length: input.number() }, () => textOf(input.number())),
    files: Array.from({ length: input.number() }, () => {
      const packed = input.number();
      const path = textOf(packed >>> 1);
      return (packed & 1) === 1 ? { path, from: textOf(input.number()) } : { path };
    }),
  }));
}
