import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../system/makeFolder.ts';
import { AppError } from '../../core/errors.ts';
import type { PackPart } from '../../core/pack/packParts.ts';
import type { PackManifest, SavedSession } from './types.ts';

/** Of packs and of sessions, so many are remembered; the oldest are forgotten. */
const mostPacks = 200;
const mostSessions = 50;
/** A conversation that holds more than this has lost sight of the beginning. */
const mostSessionParts = 5_000;

const version = 1;
const hexDigits = 16;
/** Fewer digits of a pack id than this are not taken for one. */
const leastDigits = 4;

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, hexDigits);

/** Remembers what packs and conversations hold, as places and digests: packs/ID.json, sessions/NAME.json. */
export interface PackStore {
  /** Written a moment later, so that no answer waits for the disk; where the folder cannot be written, not at all. */
  save(manifest: PackManifest): void;
  /** By id or the beginning of one. Unknown, ambiguous and damaged ones are errors with a hint. */
  find(id: string): PackManifest;
  /** Latest first. Damaged manifests are left out. */
  list(): PackManifest[];
  /** Null for a name that is not known yet. */
  session(name: string): SavedSession | null;
  /** Latest first. */
  sessions(): SavedSession[];
  /** Adds parts to a session, in the same way. */
  remember(name: string, parts: readonly PackPart[]): void;
  /** False when there is no such session. */
  forget(name: string): boolean;
  /** Writes what is still to be written. */
  flush(): void;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function isPart(value: unknown): value is PackPart {
  if (!isObject(value)) return false;
  const { path: file, startLine, endLine, kind, hash, lead } = value;
  return (
    typeof file === 'string' &&
    Number.isInteger(startLine) &&
    Number.isInteger(endLine) &&
    [kind, hash, lead].every((each) => typeof each === 'string')
  );
}

/** What is in a file of ours; null if it is damaged or of another version. */
function parse<T>(text: string, isWhole: (value: Record<string, unknown>) => boolean): T | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // `JSON.parse` rejects for no other reason
  }
  if (!isObject(value) || value['version'] !== version) return null;
  if (!Array.isArray(value['parts']) || !value['parts'].every(isPart)) return null;
  return isWhole(value) ? (value as T) : null;
}

const isManifest = (value: Record<string, unknown>): boolean =>
  ['id', 'mode', 'format', 'savedAt'].every((key) => typeof value[key] === 'string') &&
  ['budget', 'tokensUsed'].every((key) => typeof value[key] === 'number');

const isSession = (value: Record<string, unknown>): boolean =>
  ['name', 'savedAt'].every((key) => typeof value[key] === 'string');

/** Whether a file of packs/ or sessions/ can be read again. */
export const isWholeRecord = (kind: 'packs' | 'sessions', text: string): boolean =>
  parse(text, kind === 'packs' ? isManifest : isSession) !== null;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw new AppError('index_unwritable', `${file} cannot be read (${String(codeOf(error))})`, {
      hint: 'Check the permissions of the index folder.',
      cause: error,
    });
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw new AppError('index_unwritable', `${folder} cannot be read (${String(codeOf(error))})`, {
      hint: 'Check the permissions of the index folder.',
      cause: error,
    });
  }
}

const unwritable = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST', 'EFBIG', 'ENOENT']);

/** Whole or not at all: readers never see half a file. */
function write(folder: string, name: string, value: object): void {
  const file = path.join(folder, `${name}.json`);
  const temporary = path.join(folder, `${name}.${randomBytes(6).toString('hex')}.tmp`);
  makeFolder(folder);
  try {
    fs.writeFileSync(temporary, `${JSON.stringify({ version, ...value })}\n`);
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    removeIfEmpty(folder);
    throw error;
  }
}

/** Oldest files first; those beyond `most` go. */
function prune(folder: string, most: number): void {
  const names = fs.readdirSync(folder);
  if (names.length <= most) return;
  const aged = names.map((name) => {
    const file = path.join(folder, name);
    return { file, at: fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  aged.sort((a, b) => a.at - b.at);
  for (const { file } of aged.slice(0, names.length - most)) fs.rmSync(file, { force: true });
}

export interface PackStoreOptions {
  indexDir: string;
  log: (event: string, fields: Record<string, unknown>) => void;
}

export function createPackStore({ indexDir, log }: PackStoreOptions): PackStore {
  const packs = path.join(indexDir, 'packs');
  const sessions = path.join(indexDir, 'sessions');

  let waiting: { folder: string; name: string; value: object; most: number }[] = [];
  let timer: NodeJS.Immediate | undefined;

  function flush(): void {
    clearImmediate(timer);
    timer = undefined;
    const now = waiting;
    waiting = [];
    // An index in memory has no folder, and none is made for this.
    if (now.length === 0 || !fs.existsSync(indexDir)) return;
    for (const { folder, name, value, most } of now) {
      try {
        write(folder, name, value);
        prune(folder, most);
      } catch (error) {
        const code = codeOf(error);
        if (code === undefined || !unwritable.has(code)) throw error;
        log('not remembered', { folder, code });
      }
    }
  }

  function keep(folder: string, name: string, value: object, most: number): void {
    waiting.push({ folder, name, value, most });
    timer ??= setImmediate(flush);
  }

  const manifestOf = (name: string): PackManifest | null => {
    const text = readIfThere(path.join(packs, name));
    return text === null ? null : parse<PackManifest>(text, isManifest);
  };

  const sessionOf = (name: string): SavedSession | null => {
    const file = path.join(sessions, `${name}.json`);
    const text = readIfThere(file);
    if (text === null) return null;
    const found = parse<SavedSession>(text, isSession);
    if (found !== null) return found;
    throw new AppError('invalid_input', `what the session "${name}" holds cannot be read: ${file} is damaged`, {
      hint: `Begin it anew: \`contextkit pack forget ${name}\`.`,
    });
  };

  const latestFirst = <T extends { savedAt: string }>(all: (T | null)[]): T[] =>
    all.filter((each) => each !== null).sort((a, b) => (a.savedAt < b.savedAt ? 1 : a.savedAt > b.savedAt ? -1 : 0));

  return {
    save: (manifest) => keep(packs, manifest.id, manifest, mostPacks),

    flush,

    find(id) {
      flush();
      const hint = 'See the packs that are remembered with `contextkit pack list`, or give a file that holds the pack.';
      if (!/^[0-9a-f]+$/.test(id) || id.length < leastDigits || id.length > hexDigits) {
        throw new AppError('invalid_input', `"${id}" is not the id of a pack`, { hint });
      }
      const names = namesIn(packs).filter((name) => name.startsWith(id));
      if (names.length > 1)
        throw new AppError('invalid_input', `${names.length} packs have an id that begins with ${id}`, {
          hint: 'Give more digits of it.',
        });
      if (names.length === 0) throw new AppError('not_found', `no pack with the id ${id} is remembered`, { hint });
      const manifest = manifestOf(names[0]!);
      if (manifest !== null) return manifest;
      throw new AppError('not_found', `what is remembered of the pack ${id} is damaged`, {
        hint: 'Ask again to make it anew, or give a file that holds the pack.',
      });
    },

    list() {
      flush();
      return latestFirst(namesIn(packs).map(manifestOf));
    },

    session(name) {
      flush();
      return sessionOf(name);
    },

    sessions() {
      flush();
      return latestFirst(
        namesIn(sessions).map((name) => parse<SavedSession>(readIfThere(path.join(sessions, name)) ?? '', isSession)),
      );
    },

    remember(name, parts) {
      flush();
      const keyOf = (part: PackPart): string => `${part.path}:${part.startLine}-${part.endLine}@${part.hash}`;
      const all = new Map((sessionOf(name)?.parts ?? []).map((part) => [keyOf(part), part]));
      for (const part of parts) {
        all.delete(keyOf(part));
        all.set(keyOf(part), part);
      }
      const saved: SavedSession = {
        name,
        savedAt: new Date().toISOString(),
        parts: [...all.values()].slice(-mostSessionParts),
      };
      keep(sessions, name, saved, mostSessions);
    },

    forget(name) {
      flush();
      const file = path.join(sessions, `${name}.json`);
      if (!/^[^/\\]+$/.test(name) || !fs.existsSync(file)) return false;
      fs.rmSync(file, { force: true });
      return true;
    },
  };
}

function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    // It holds packs, or is gone: as it should be.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
