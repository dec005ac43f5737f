import type { Database, Statement } from 'sql.js';
import type { FileUse } from '../../core/graph/fileUses.ts';
import { ByteReader, ByteWriter } from '../../core/records/varint.ts';

/** Ascending ids as differences; calls and the import flag share a number. */
function encodeUses(uses: readonly { id: number; imported: boolean; calls: number }[]): Uint8Array {
  const out = new ByteWriter();
  out.number(uses.length);
  let before = 0;
  for (const { id, imported, calls } of [...uses].sort((a, b) => a.id - b.id)) {
    out.number(id - before);
    out.number(calls * 2 + (imported ? 1 : 0));
    before = id;
  }
  return out.finish();
}

function decodeUses(bytes: Uint8Array, pathOf: (id: number) => string | undefined): FileUse[] {
  const input = new ByteReader(bytes);
  const uses: FileUse[] = [];
  let id = 0;
  for (let left = input.number(); left > 0; left--) {
    id += input.number();
    const packed = input.number();
    const path = pathOf(id);
    // A file that was removed since: nobody uses it any more.
    if (path !== undefined) uses.push({ path, imported: (packed & 1) === 1, calls: packed >>> 1 });
  }
  return uses;
}

/**
 * The table `uses`: which files a file uses, as they were resolved last. A row is out of date (`fresh` = 0) from the
 * change of its file until it is resolved again.
 */
export class UsesTable {
  readonly #put: Statement;
  readonly #stale: Statement;
  readonly #remove: Statement;
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    this.#put = db.prepare('INSERT OR REPLACE INTO uses VALUES (?, 1, ?)');
    this.#stale = db.prepare(`INSERT INTO uses VALUES (?, 0, x'00') ON CONFLICT (file_id) DO UPDATE SET fresh = 0`);
    this.#remove = db.prepare('DELETE FROM uses WHERE file_id = ?');
  }

  /** Calls `visit` for every file that has been resolved once. */
  forEach(pathOf: (id: number) => string | undefined, visit: (path: string, uses: FileUse[]) => void): void {
    const rows = this.#db.prepare('SELECT file_id, uses FROM uses');
    while (rows.step()) {
      const [id, bytes] = rows.get() as [number, Uint8Array];
      const path = pathOf(id);
      if (path !== undefined) visit(path, decodeUses(bytes, pathOf));
    }
    rows.free();
  }

  /** Ids of the files that have to be resolved again. */
  stale(): number[] {
    const ids: number[] = [];
    const rows = this.#db.prepare(
      'SELECT id FROM files LEFT JOIN uses ON uses.file_id = files.id WHERE uses.fresh IS NOT 1 ORDER BY path',
    );
    while (rows.step()) ids.push(rows.get()[0] as number);
    rows.free();
    return ids;
  }

  put(id: number, uses: readonly { id: number; imported: boolean; calls: number }[]): void {
    this.#put.run([id, encodeUses(uses)]);
  }

  markStale(id: number): void {
    this.#stale.run([id]);
  }

  remove(id: number): void {
    this.#remove.run([id]);
  }

  free(): void {
    for (const statement of [this.#put, this.#stale, this.#remove]) statement.free();
  }
}
