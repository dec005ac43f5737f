import { lineStartsOf, sliceLines } from '../../../core/lexical/lineStarts.ts';
import type { PackFile } from '../../../core/pack/types.ts';
import { decodeImports, decodeSymbols } from '../../../core/records/fileRecords.ts';
import type { OrgId } from '../../ports/organization.ts';
import type { FileRow, TextSource } from './contextPorts.ts';
import { singleFlight } from './singleFlight.ts';
import { SizedCache } from './sizedCache.ts';

/** Files with their texts, ready to be packed. */
export interface PackFiles {
  /** In the order of the rows; undefined for a text that is not kept any more. */
  read(org: OrgId, projectId: string, rows: readonly FileRow[]): Promise<(PackFile | undefined)[]>;
  readonly bytes: number;
}

/** What the definitions and imports of a file take next to their records, and what packing keeps of its ranges. */
const bytesPerRecordByte = 8;
const bytesPerRangeByte = 150;

function toPackFile({ path, language, symbols, links }: FileRow, text: string): PackFile {
  const starts = lineStartsOf(text);
  return {
    path,
    language,
    symbols: decodeSymbols(symbols),
    imports: decodeImports(links),
    lineCount: starts.length - 1,
    slice: (startLine, endLine) => sliceLines(text, starts, startLine, endLine),
  };
}

/** Kept by what they are made of, whatever revisions and branches they are in; a file is read once at a time. */
export function packFiles({ texts, maxBytes }: { texts: TextSource; maxBytes: () => number }): PackFiles {
  const kept = new SizedCache<PackFile>({ maxBytes });
  const reading = singleFlight<PackFile | undefined>();

  async function read(org: OrgId, projectId: string, row: FileRow, key: string): Promise<PackFile | undefined> {
    const text = await texts.read(org, projectId, row.contentHash);
    if (text === undefined) return undefined;
    const file = toPackFile(row, text);
    kept.set(
      key,
      file,
      2 * text.length +
        4 * file.lineCount +
        bytesPerRecordByte * (row.symbols.length + row.links.length) +
        bytesPerRangeByte * row.chunks.length,
    );
    return file;
  }

  return {
    read: (org, projectId, rows) =>
      Promise.all(
        rows.map((row) => {
          const key = `${org}/${projectId}/${row.recordKey}`;
          const known = kept.get(key);
          return known === undefined ? reading(key, () => read(org, projectId, row, key)) : Promise.resolve(known);
        }),
      ),
    get bytes() {
      return kept.bytes;
    },
  };
}
