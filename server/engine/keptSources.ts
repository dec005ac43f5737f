import { isStill, type FileIdentity } from '../indexing/discovery/fileIdentity.ts';
import { toOsPath } from '../indexing/discovery/workspacePath.ts';
import type { CurrentFile } from './currentFile.ts';

/** A file whose content is what the index knows, as it was read for an answer. */
export interface KeptSource {
  /** What the index knew of it: `FileNow.version`. */
  version: number;
  /** Null when only reading it again can tell that it has not changed. */
  identity: FileIdentity | null;
  current: CurrentFile;
}

/**
 * Files that answers showed, for the next ones: most questions show files that others showed before. What is known of
 * their ranges (`core/pack/rangeFacts.ts`) stays with them.
 */
export interface KeptSources {
  /** The one that was kept last of a path. Whether it is still true is to be asked of the index and of the disk. */
  get(path: string): KeptSource | undefined;
  /** Whether the file on disk is the one that was read. */
  isTrue(kept: KeptSource): boolean;
  keep(source: KeptSource): void;
  drop(path: string): void;
  clear(): void;
  /** About so much memory they take. */
  readonly bytes: number;
}

/** Of all files that are kept together: some 9 million characters of code with what is known of them. */
const mostBytes = 24_000_000;
/** What a definition, an import or a chunk takes, with what is known of the ranges that were shown (measured). */
const bytesPerRecord = 400;
/** Each question may show other ranges, of which something is then known: after so many it is forgotten. */
const mostUses = 500;

interface Entry {
  source: KeptSource;
  bytes: number;
  uses: number;
}

const hasWideCharacters = /[^\x00-\xff]/;

const bytesOf = ({ current: { stored, source } }: KeptSource): number =>
  source.text.length * (hasWideCharacters.test(source.text) ? 2 : 1) +
  source.lineStarts.byteLength +
  bytesPerRecord * (stored.symbols.length + stored.imports.length + stored.chunks.length);

export function createKeptSources({ root, most = mostBytes }: { root: string; most?: number }): KeptSources {
  /** The one that was used last is the last one. */
  const entries = new Map<string, Entry>();
  let bytes = 0;

  function drop(path: string): void {
    bytes -= entries.get(path)?.bytes ?? 0;
    entries.delete(path);
  }

  function put(entry: Entry): void {
    const { path } = entry.source.current.stored;
    drop(path);
    entries.set(path, entry);
    bytes += entry.bytes;
  }

  return {
    get(path) {
      const entry = entries.get(path);
      if (entry === undefined) return undefined;
      const { source } = entry;
      if (++entry.uses > mostUses) {
        entry.uses = 0;
        entry.source = { ...source, current: { ...source.current, file: { ...source.current.file } } };
      }
      entries.delete(path);
      entries.set(path, entry);
      return entry.source;
    },

    isTrue: ({ identity, current }) => identity !== null && isStill(toOsPath(root, current.stored.path), identity),

    keep(source) {
      const { path } = source.current.stored;
      const before = entries.get(path);
      const uses = before?.source.current.file === source.current.file ? before.uses : 0;
      put({ source, bytes: bytesOf(source), uses });
      for (const oldest of entries.keys()) {
        if (bytes <= most) break;
        drop(oldest);
      }
    },

    drop,

    clear() {
      entries.clear();
      bytes = 0;
    },

    get bytes() {
      return bytes;
    },
  };
}
