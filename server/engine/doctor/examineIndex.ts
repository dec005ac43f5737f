import { statSync } from 'node:fs';
import path from 'node:path';
import { AppError, isAppError } from '../../../core/errors.ts';
import { describeLock } from '../../store/index.ts';
import { checkDatabase } from './checkDatabase.ts';
import { checkEmbedding, checkEmbeddings, checkModel } from './checkEmbeddings.ts';
import { checkFolder, checkSpace } from './checkFolder.ts';
import { checkClock, checkRemembered, checkSetAside, checkTemporaries } from './checkLeftovers.ts';
import { checkLock } from './checkLock.ts';
import type { Check, CheckContext, CheckFinding, DoctorOptions, DoctorReport, Finding } from './types.ts';

/** Every check, in the order of the report. What keeps others from mending comes first. */
const checks: readonly Check[] = [
  { name: 'folder', run: checkFolder },
  { name: 'space', run: checkSpace },
  { name: 'lock', run: checkLock },
  { name: 'set aside', run: checkSetAside },
  { name: 'index', run: checkDatabase },
  { name: 'temporaries', run: checkTemporaries },
  { name: 'packs', run: checkRemembered },
  { name: 'clock', run: checkClock },
  { name: 'model', run: checkModel },
  { name: 'embeddings', run: checkEmbeddings },
  { name: 'embedding', run: checkEmbedding },
];

function finding(check: string, { level, message, hint = null, fixed = false }: CheckFinding): Finding {
  return { check, level, message, hint, fixed };
}

/** What a check could not look at is a finding as well; a bug is thrown. */
async function runCheck({ name, run }: Check, context: CheckContext): Promise<Finding[]> {
  try {
    return (await run(context)).map((found) => finding(name, found));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (isAppError(error)) {
      return [finding(name, { level: 'problem', message, hint: error.hint ?? null })];
    }
    if (typeof code !== 'string') throw error;
    return [
      finding(name, { level: 'problem', message: `could not be checked: ${message}`, hint: 'Check permissions.' }),
    ];
  }
}

function isWriting(indexDir: string): boolean {
  try {
    return describeLock(indexDir).kind === 'held';
  } catch (error) {
    if (typeof (error as NodeJS.ErrnoException).code === 'string') return true; // not to be looked at: not to be mended
    throw error;
  }
}

/** Looks over the index of a folder and, if asked to, mends it. Source files are never touched. */
export async function examineIndex({ root, indexDir, fix = false, model = {} }: DoctorOptions): Promise<DoctorReport> {
  const folder = path.resolve(root);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new AppError('root_unreadable', `there is no such folder: ${folder}`, {
      hint: 'Give the folder with --root.',
    });
  const place = path.resolve(indexDir ?? path.join(folder, '.contextkit'));
  const isBeingWritten = isWriting(place);
  let needsIndex = false;
  const context: CheckContext = {
    root: folder,
    indexDir: place,
    model,
    mayFix: fix && !isBeingWritten,
    isBeingWritten,
    needsIndex: () => (needsIndex = true),
  };
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await runCheck(check, context)));
  return {
    root: folder,
    indexDir: place,
    findings,
    healthy: findings.every(({ level, fixed }) => level !== 'problem' || fixed),
    needsIndex,
  };
}
