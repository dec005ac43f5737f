import type { SqlValue, Transaction } from '../../ports/database.ts';
import type { OrgId } from '../../ports/organization.ts';
import type { SourceAnalysis } from '../../ports/sourceAnalyzer.ts';

export interface NewRecord {
  key: string;
  analysis: SourceAnalysis;
}

const none = new Uint8Array(0);

const columns = [
  'key',
  'skip_reason',
  'skip_detail',
  'language',
  'role',
  'chunked_by',
  'line_count',
  'syntax_errors',
  'chunk_count',
  'symbol_count',
  'chunks',
  'symbols',
  'links',
  'words',
  'digests',
] as const;

type Row = Record<(typeof columns)[number], SqlValue>;

const empty: Omit<Row, 'key'> = {
  skip_reason: null,
  skip_detail: null,
  language: '',
  role: 'source',
  chunked_by: 'lines',
  line_count: 0,
  syntax_errors: false,
  chunk_count: 0,
  symbol_count: 0,
  chunks: none,
  symbols: none,
  links: none,
  words: none,
  digests: none,
};

function toRow({ key, analysis }: NewRecord): Row {
  if (analysis.kind === 'skipped') {
    return { ...empty, key, skip_reason: analysis.reason, skip_detail: analysis.detail };
  }
  return {
    ...empty,
    key,
    language: analysis.language,
    role: analysis.role,
    chunked_by: analysis.chunkedBy,
    line_count: analysis.lineCount,
    syntax_errors: analysis.syntaxErrors,
    chunk_count: analysis.chunkCount,
    symbol_count: analysis.symbolCount,
    chunks: analysis.chunks,
    symbols: analysis.symbols,
    links: analysis.links,
    words: analysis.words,
    digests: analysis.digests,
  };
}

/** Keeps records beside the index; equal ones that are there already stay. */
export async function putRecords(tx: Transaction, org: OrgId, records: readonly NewRecord[]): Promise<void> {
  const values: SqlValue[] = [org];
  const places = records.map((record) => {
    const row = toRow(record);
    return `($1, ${columns.map((name) => `$${values.push(row[name])}`).join(', ')})`;
  });
  await tx.query(
    `INSERT INTO file_records (org_id, ${columns.join(', ')}) VALUES ${places.join(', ')}
     ON CONFLICT (org_id, key) DO NOTHING`,
    values,
  );
}
