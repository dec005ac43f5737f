import type { FileUse } from '../../../core/graph/fileUses.ts';
import { ByteReader, ByteWriter } from '../../../core/records/varint.ts';
import type { KnownLinks } from './projectIndex.ts';

/** Raised with every change of the record: older ones are worked out again. */
const version = 1;

/** Which files use which as bytes: the paths with the keys of their records, each once, then numbers. */
export function encodeLinkRecord({ files, drift }: KnownLinks): Uint8Array {
  const out = new ByteWriter();
  const ids = new Map([...files.keys()].map((path, id) => [path, id]));
  out.number(version);
  out.number(drift);
  out.number(files.size);
  for (const [path, { recordKey }] of files) {
    out.text(path);
    out.text(recordKey);
  }
  for (const { uses } of files.values()) {
    out.number(uses.length);
    for (const { path, imported, calls } of uses) {
      out.number(ids.get(path)!);
      out.number(calls * 2 + (imported ? 1 : 0));
    }
  }
  return out.finish();
}

/** Undefined for a record of another version. @throws {RangeError} for one that is damaged. */
export function decodeLinkRecord(bytes: Uint8Array): KnownLinks | undefined {
  const input = new ByteReader(bytes);
  if (input.number() !== version) return undefined;
  const drift = input.number();
  const known = Array.from({ length: input.number() }, () => ({ path: input.text(), recordKey: input.text() }));
  const files = known.map(({ path, recordKey }) => {
    const uses = Array.from({ length: input.number() }, (): FileUse => {
      const used = known[input.number()];
      if (used === undefined) throw new RangeError('the record names a file that it does not have');
      const packed = input.number();
      return { path: used.path, imported: (packed & 1) === 1, calls: packed >>> 1 };
    });
    return [path, { recordKey, uses }] as const;
  });
  return { files: new Map(files), drift };
}
