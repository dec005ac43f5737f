import type { PackFile } from '../../core/pack/types.ts';
import type { StoredFile } from '../store/index.ts';
import { contentOf, type CurrentSource } from './sourceReader.ts';

/** A file as it is on disk now. */
export interface CurrentFile {
  stored: StoredFile;
  source: CurrentSource;
  file: PackFile;
}

function toPackFile(stored: StoredFile, source: CurrentSource): PackFile {
  const { fresh } = source;
  return {
    path: stored.path,
    language: stored.language,
    symbols: fresh?.symbols ?? stored.symbols,
    imports: fresh?.imports ?? stored.imports,
    lineCount: source.lineStarts.length - 1,
    slice: (startLine, endLine) => contentOf(source, { startLine, endLine }),
  };
}

export const toCurrentFile = (stored: StoredFile, source: CurrentSource): CurrentFile => ({
  stored,
  source,
  file: toPackFile(stored, source),
});
