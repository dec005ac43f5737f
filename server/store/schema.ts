import type { Database } from 'sql.js';

/** Raised with every change of the tables. Each entry of `migrations` leads from its index to the next version. */
const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE files (
     id INTEGER PRIMARY KEY,
     path TEXT NOT NULL UNIQUE,
     size INTEGER NOT NULL, mtime_ms REAL NOT NULL, inode INTEGER NOT NULL,
     hash TEXT NOT NULL, language TEXT NOT NULL, role TEXT NOT NULL, chunked_by TEXT NOT NULL,
     line_count INTEGER NOT NULL, syntax_errors INTEGER NOT NULL,
     chunks BLOB NOT NULL, words BLOB NOT NULL);
   CREATE TABLE symbols (
     file_id INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
     name TEXT NOT NULL, kind TEXT NOT NULL,
     line INTEGER NOT NULL, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
     signature TEXT NOT NULL, container TEXT NOT NULL);
   CREATE INDEX symbols_by_file ON symbols(file_id);
   CREATE INDEX symbols_by_name ON symbols(name COLLATE NOCASE);
   CREATE TABLE skipped (
     path TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
     size INTEGER NOT NULL, mtime_ms REAL NOT NULL, inode INTEGER NOT NULL,
     PRIMARY KEY (path)) WITHOUT ROWID;
   CREATE TABLE term_pages (first_id INTEGER PRIMARY KEY, terms TEXT NOT NULL);`,
  `ALTER TABLE files ADD COLUMN links BLOB NOT NULL DEFAULT x'';`,
  // Symbols are packed per file; the analysis version was raised with it, so that they are found anew.
  `DROP TABLE symbols;
   ALTER TABLE files ADD COLUMN symbol_count INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE files ADD COLUMN symbols BLOB NOT NULL DEFAULT x'00';`,
  `CREATE TABLE uses (file_id INTEGER PRIMARY KEY, fresh INTEGER NOT NULL, uses BLOB NOT NULL);`,
  `CREATE TABLE history (row INTEGER PRIMARY KEY CHECK (row = 1), mark TEXT NOT NULL, commits BLOB NOT NULL);`,
  // Filled when the files are analysed anew: the analysis version was raised with it.
  `ALTER TABLE files ADD COLUMN digests BLOB NOT NULL DEFAULT x'';`,
];

export const schemaVersion = migrations.length;

export function readSchemaVersion(db: Database): number {
  return Number(db.exec('PRAGMA user_version')[0]?.values[0]?.[0] ?? 0);
}

/** Brings an older or empty database to the present tables. */
export function migrate(db: Database): void {
  for (let version = readSchemaVersion(db); version < schemaVersion; version++) {
    db.exec(`BEGIN; ${migrations[version]!} PRAGMA user_version = ${version + 1}; COMMIT;`);
  }
}
