import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../system/makeFolder.ts';
import { readOnnxFacts, type OnnxFacts, type OnnxFault } from './onnxFacts.ts';

/** What was found by reading a file from end to end. */
export interface FileFacts {
  /** Hex. */
  sha256: string;
  /** Bytes. */
  size: number;
  /** Only of ONNX files. */
  onnx?: OnnxFacts | OnnxFault;
  /** Only of tokenizers that were read and are whole. */
  tokenizer?: TokenizerFacts;
}

/** What a model asks of its tokenizer. */
export interface TokenizerFacts {
  /** Pieces that a tokenizer of BERT has and this one has not. */
  lacks: string[];
  highestId: number;
}

/** Facts of one file as they are kept; they hold as long as the three marks of the file do. */
interface Remembered extends FileFacts {
  mtimeMs: number;
  inode: number;
}

/** Facts of files, read once and remembered by size, time and inode: a start does not hash 34 MB again. */
export interface FileFactsReader {
  of(file: string): Promise<FileFacts>;
  /** Remembers what else was found in a file, if it is still the one whose facts are given. */
  add(file: string, found: FileFacts & Required<Pick<FileFacts, 'tokenizer'>>): Promise<void>;
}

/** Raised when facts are told in another way; what is not known of a file is read. */
const format = 1;
const name = 'file-facts.json';

function isRemembered(value: unknown): value is Remembered {
  const { sha256, size, mtimeMs, inode, tokenizer } = value as Partial<Remembered>;
  return (
    typeof sha256 === 'string' &&
    typeof size === 'number' &&
    typeof mtimeMs === 'number' &&
    typeof inode === 'number' &&
    (tokenizer === undefined || (Array.isArray(tokenizer.lacks) && typeof tokenizer.highestId === 'number'))
  );
}

/** What is kept in `folder`, by absolute path; nothing when there is none or it is damaged: then files are read again. */
async function load(folder: string): Promise<Map<string, Remembered>> {
  try {
    const kept = JSON.parse(await readFile(path.join(folder, name), 'utf8')) as { format?: unknown; files?: unknown };
    if (kept.format !== format || typeof kept.files !== 'object' || kept.files === null) return new Map();
    return new Map(Object.entries(kept.files).filter((entry): entry is [string, Remembered] => isRemembered(entry[1])));
  } catch {
    return new Map();
  }
}

/** By a rename: another process never reads half of it. Of two that write at once, one is remembered. */
async function save(folder: string, files: Map<string, Remembered>): Promise<void> {
  const temporary = path.join(folder, `${name}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    makeFolder(folder);
    await writeFile(temporary, JSON.stringify({ format, files: Object.fromEntries(files) }));
    await rename(temporary, path.join(folder, name));
  } catch {
    // A cache that cannot be written costs the time of reading the file again, nothing else.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

export async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}

/** Remembers in `folder`. Errors of the file itself (not there, no permission) are thrown as Node gives them. */
export function fileFactsReader(folder: string): FileFactsReader {
  async function remember(file: string, facts: Remembered): Promise<void> {
    const files = new Map([...(await load(folder))].filter(([kept]) => existsSync(kept)));
    files.set(file, facts);
    await save(folder, files);
  }

  return {
    async of(file) {
      const { size, mtimeMs, ino } = await stat(file);
      const known = (await load(folder)).get(file);
      if (known !== undefined && known.size === size && known.mtimeMs === mtimeMs && known.inode === ino) return known;
      const facts: FileFacts = {
        sha256: await sha256Of(file),
        size,
        ...(file.endsWith('.onnx') ? { onnx: await readOnnxFacts(file) } : {}),
      };
      const after = await stat(file);
      // Written to meanwhile: what was read holds for no state of the file.
      if (after.size !== size || after.mtimeMs !== mtimeMs) return facts;
      await remember(file, { ...facts, mtimeMs, inode: ino });
      return facts;
    },
    async add(file, found) {
      const known = (await load(folder)).get(file);
      if (known?.sha256 === found.sha256) await remember(file, { ...known, ...found });
    },
  };
}
