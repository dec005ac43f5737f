import { createHash } from 'node:crypto';
import {
  analyzesAlike,
  createRecordAnalyzer,
  findOccurrences,
  roleOfText,
  type RecordAnalyzerParts,
} from '../../syntax/index.ts';
import { toOsPath } from './discovery/workspacePath.ts';
import { readSource } from './discovery/readSource.ts';
import type { ParseJob, ParseOutcome, ParseRequest } from './parseProtocol.ts';

export interface FileAnalyzerParts extends Omit<RecordAnalyzerParts, 'sha256'> {
  root: string;
}

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

export type FileAnalyzer = (
  request: ParseRequest,
  job: Pick<ParseJob, 'maxFileKb' | 'parseTimeoutMs' | 'purpose'>,
) => Promise<ParseOutcome>;

/** One file from disk to what the store takes. Never throws for what a file may hold; throws for bugs. */
export function createFileAnalyzer({ root, ...parts }: FileAnalyzerParts): FileAnalyzer {
  const analyze = createRecordAnalyzer({ ...parts, sha256 });
  return async (
    { path, stamp, knownHash, twins = [] },
    { maxFileKb, parseTimeoutMs, purpose: { find, keepTrees } },
  ) => {
    const source = readSource(toOsPath(root, path), stamp, { maxFileKb });
    if (source.kind === 'skip') {
      return { kind: 'skipped', record: { path, ...source.stamp, reason: source.reason, detail: source.detail } };
    }
    if (find !== undefined) {
      const isKnown = source.hash === knownHash;
      const options = { syntax: parts.syntax, deadlineMs: parseTimeoutMs };
      return {
        kind: 'found',
        path,
        occurrences: isKnown ? await findOccurrences(path, source.text, find, options) : null,
      };
    }
    if (source.hash === knownHash) return { kind: 'same', path, stamp: source.stamp };
    const { text, hash } = source;
    const twin = twins.find((each) => each.hash === hash && analyzesAlike(path, each.path, text));
    if (twin !== undefined)
      return { kind: 'copy', copy: { path, ...source.stamp, hash, role: roleOfText(path, text), of: twin.path } };
    const { record, notes } = await analyze(path, text, {
      deadlineMs: parseTimeoutMs,
      ...(keepTrees === true ? { keepTreeAs: path } : {}),
    });
    return { kind: 'analyzed', notes, file: { path, ...source.stamp, hash, ...record } };
  };
}
