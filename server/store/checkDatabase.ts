import type { Database, SqlJsStatic } from 'sql.js';
import { decodeChunks, decodeLinks, decodeSymbols, decodeWords } from '../../core/records/fileRecords.ts';
import { decodeHistory } from './historyRecord.ts';
import { readSchemaVersion, schemaVersion } from './schema.ts';

/** What a thorough look into index.db found. */
export interface DatabaseCheck {
  state: 'missing' | 'whole' | 'damaged' | 'newer';
  /** What is wrong, in sentences; at most a handful. */
  faults: string[];
  bytes: number;
  files: number;
  generation: number;
  /** Files whose time lies in the future of now. */
  future: string[];
}

const mostFaults = 10;
/** Clocks of two machines that share a disk differ a little. */
const clockSlackMs = 120_000;

interface Row {
  path: string;
  line_count: number;
  mtime_ms: number;
  chunks: Uint8Array;
  words: Uint8Array;
  symbols: Uint8Array;
  links: Uint8Array;
}

/** Throws when what is stored of a file does not agree with itself. */
function checkRow({ line_count: lineCount, chunks, words, symbols, links }: Row, terms: number): void {
  let next = 1;
  const ranges = decodeChunks(chunks);
  for (const { startLine, endLine } of ranges) {
    if (startLine !== next || endLine < startLine) throw new Error('its chunks do not follow one another');
    next = endLine + 1;
  }
  if (next - 1 !== lineCount) throw new Error(`its chunks cover ${next - 1} of ${lineCount} lines`);
  const { chunkOffsets, termIds } = decodeWords(words);
  if (chunkOffsets.length - 1 !== ranges.length) throw new Error('its words belong to other chunks');
  for (const id of termIds) if (id >= terms) throw new Error('it has a word that is not known');
  decodeSymbols(symbols);
  decodeLinks(links);
}

/** How many words there are. */
function checkTerms(db: Database, fault: (message: string) => void): number {
  let terms = 0;
  for (const [first, text] of db.exec('SELECT first_id, terms FROM term_pages ORDER BY first_id')[0]?.values ?? []) {
    if (first !== terms) fault('the list of words has a gap');
    terms += String(text).split('\n').length;
  }
  return terms;
}

function checkFiles(
  db: Database,
  terms: number,
  { found, fault, latest }: { found: DatabaseCheck; fault: (message: string) => void; latest: number },
): void {
  const rows = db.prepare('SELECT path, line_count, mtime_ms, chunks, words, symbols, links FROM files');
  while (rows.step()) {
    const row = rows.getAsObject() as unknown as Row;
    found.files++;
    if (row.mtime_ms > latest) found.future.push(row.path);
    try {
      checkRow(row, terms);
    } catch (error) {
      fault(`${row.path}: ${(error as Error).message}`);
    }
  }
  rows.free();
}

/** Reads everything that is stored, and says what does not agree. Nothing is changed. */
export function checkDatabase(sql: SqlJsStatic, bytes: Uint8Array, now = Date.now()): DatabaseCheck {
  const found: DatabaseCheck = {
    state: 'whole',
    faults: [],
    bytes: bytes.length,
    files: 0,
    generation: 0,
    future: [],
  };
  const fault = (message: string): void => {
    found.state = 'damaged';
    if (found.faults.length < mostFaults) found.faults.push(message);
  };
  if (bytes.length === 0) {
    fault('the file is empty');
    return found;
  }
  const db = new sql.Database(bytes);
  try {
    const version = readSchemaVersion(db);
    if (version > schemaVersion) {
      return { ...found, state: 'newer', faults: [`its tables are of version ${version}, known is ${schemaVersion}`] };
    }
    if (version === 0) fault('it holds no index');
    const [integrity] = db.exec(`PRAGMA quick_check(${mostFaults})`);
    for (const [line] of integrity?.values ?? []) if (line !== 'ok') fault(String(line));
    // Of older tables only what is there can be looked at; the next run brings them up to date.
    if (found.state !== 'whole' || version < schemaVersion) return found;
    const terms = checkTerms(db, fault);
    checkFiles(db, terms, { found, fault, latest: now + clockSlackMs });
    for (const [commits] of db.exec('SELECT commits FROM history')[0]?.values ?? [])
      decodeHistory(commits as Uint8Array);
    found.generation = Number(db.exec(`SELECT value FROM meta WHERE key = 'generation'`)[0]?.values[0]?.[0] ?? 0);
    return found;
  } catch (error) {
    fault((error as Error).message);
    return found;
  } finally {
    db.close();
  }
}
