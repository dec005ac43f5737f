import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { nodeAnalyzer } from '../../cloud/adapters/nodeAnalyzer/nodeAnalyzer.ts';

export interface SourceFile {
  path: string;
  text: string;
  hash: string;
  lines: number;
  /** Of its chunks, 32 hexadecimal digits each. */
  digests: string[];
}

/** What a client that has indexed a repository by itself knows of it. */
export interface Repository {
  files: SourceFile[];
  lines: number;
  chunks: number;
}

const programFolder = path.resolve(import.meta.dirname, '../../dist/cloud');
const mostBytes = 1024 * 1024;
const filesAtOnce = 64;

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Texts below a folder, in the order of their paths. */
function readTexts(root: string): Omit<SourceFile, 'digests'>[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return entries.flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const relative = path.relative(root, file).split(path.sep).join('/');
    if (!entry.isFile() || relative.startsWith('.git/') || statSync(file).size > mostBytes) return [];
    const bytes = readFileSync(file);
    if (bytes.includes(0)) return [];
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) return []; // no text
      throw error;
    }
    // A byte order mark would make another hash than that of the bytes.
    return [{ path: relative, text, hash: sha256(text), lines: text.split('\n').length }];
  });
}

/** Texts with the chunks that the local engine makes of them. */
export async function readRepository(root: string): Promise<Repository> {
  const texts = readTexts(root).sort((a, b) => (a.path < b.path ? -1 : 1));
  const analyzer = nodeAnalyzer({
    workerFile: path.join(programFolder, 'analyzeWorker.cjs'),
    assetsFolder: path.dirname(programFolder),
    threads: availableParallelism(),
    log: () => undefined,
  });
  const batches = Array.from({ length: Math.ceil(texts.length / filesAtOnce) }, (_, at) =>
    texts.slice(at * filesAtOnce, (at + 1) * filesAtOnce),
  );
  const analyzed = await Promise.all(batches.map((batch) => analyzer.analyze(batch)));
  await analyzer.close();
  const files = analyzed.flat().map((analysis, at): SourceFile => {
    const digests =
      analysis.kind === 'skipped' ? [] : (Buffer.from(analysis.digests).toString('hex').match(/.{32}/g) ?? []);
    return { ...texts[at]!, digests };
  });
  return summed(files);
}

const summed = (files: SourceFile[]): Repository => ({
  files,
  lines: files.reduce((sum, { lines }) => sum + lines, 0),
  chunks: files.reduce((sum, { digests }) => sum + digests.length, 0),
});

/** Whole folders of it, as they come, until it is as large as wanted. */
export function partOf({ files }: Repository, size: (file: SourceFile) => number, wanted: number): Repository {
  let sum = 0;
  return summed(files.filter((file) => sum < wanted && ((sum += size(file)), true)));
}

export const rootHashOf = ({ files }: Repository): string => {
  const lines = files.map(({ path: file, hash }) => Buffer.from(`${file}\0${hash}\n`));
  return sha256(Buffer.concat(lines.sort((a, b) => Buffer.compare(a, b))));
};

const sentence = /^\s*(?:\/\*\*?|\*|\/\/+|#+)\s+([A-Z][\w ,'()-]{30,150})\.?\s*$/gm;
const definition = /\b(?:class|interface|enum|func|def|fn|function)\s+([A-Za-z_]\w{7,})/g;

/** So many, taken evenly from all. */
function spread<T>(all: readonly T[], count: number): T[] {
  const step = all.length / count;
  return step <= 1 ? [...all] : Array.from({ length: count }, (_, at) => all[Math.floor(at * step)]!);
}

/** Questions that people who know the repository might ask: sentences of its comments, and names it defines. */
export function questionsOf({ files }: Repository, count: number): string[] {
  const found = (pattern: RegExp): string[] => [
    ...new Set(files.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, all]) => all!.trim()))),
  ];
  const names = spread(found(definition), Math.floor(count / 4));
  const sentences = spread(
    found(sentence).filter((each) => each.split(' ').length >= 5 && !/licen[cs]e|copyright|warrant/i.test(each)),
    count - names.length,
  );
  // Names among sentences, not one kind after the other.
  return [...sentences, ...names].sort((a, b) => (sha256(a) < sha256(b) ? -1 : 1));
}
