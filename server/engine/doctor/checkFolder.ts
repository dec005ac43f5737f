import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { databaseName } from '../../store/index.ts';
import type { CheckContext, CheckFinding } from './types.ts';

const mb = 2 ** 20;
/** A checkpoint writes the whole index beside the old one. */
const leastFreeBytes = 64 * mb;

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/** Can the index folder be written? Tried out: permissions and mounts tell only half of it. */
export function checkFolder({ root, indexDir }: CheckContext): CheckFinding[] {
  const stats = fs.statSync(indexDir, { throwIfNoEntry: false });
  if (stats === undefined) {
    return [
      {
        level: 'note',
        message: `there is no index folder yet: ${indexDir}`,
        hint: `Run \`contextkit index --root ${root}\`.`,
      },
    ];
  }
  if (!stats.isDirectory()) {
    return [
      {
        level: 'problem',
        message: `the index folder is not a folder: ${indexDir}`,
        hint: 'Move the file away, or give another folder with --index-dir.',
      },
    ];
  }
  const probe = path.join(indexDir, `${databaseName}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    fs.writeFileSync(probe, 'probe', { flag: 'wx' });
    return [{ level: 'ok', message: `${indexDir} can be written` }];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || reasons[code] === undefined) throw error;
    return [
      {
        level: 'problem',
        message: `${indexDir} cannot be written: ${reasons[code]} (${code})`,
        hint: 'Answers come from the index as it is. Make the folder writable, or give another one with --index-dir.',
      },
    ];
  } finally {
    fs.rmSync(probe, { force: true });
  }
}

/** Is there room for a checkpoint? */
export function checkSpace({ indexDir }: CheckContext): CheckFinding[] {
  if (!fs.existsSync(indexDir)) return [];
  const { bavail, bsize } = fs.statfsSync(indexDir);
  const free = bavail * bsize;
  const size = fs.statSync(path.join(indexDir, databaseName), { throwIfNoEntry: false })?.size ?? 0;
  const needed = Math.max(leastFreeBytes, 2 * size);
  const said = `${Math.round(free / mb).toLocaleString('en-US')} MB are free, the index takes ${Math.round(size / mb)} MB`;
  if (free >= needed) return [{ level: 'ok', message: said }];
  return [
    {
      level: free < size ? 'problem' : 'note',
      message: `${said}: too little for saving it again`,
      hint: 'Make room on the disk, or keep the index elsewhere with --index-dir.',
    },
  ];
}
