import fs from 'node:fs';
import path from 'node:path';
import { analysisVersion } from '../../../core/records/analysisVersion.ts';
import { assetsDir } from '../assets.ts';
import { checkIndexFile, databaseName, setAside, type DatabaseCheck } from '../../store/index.ts';
import type { CheckContext, CheckFinding } from './types.ts';

/** Is all of index.db whole, and does what is stored of each file agree with itself? */
export async function checkDatabase(context: CheckContext): Promise<CheckFinding[]> {
  const { indexDir } = context;
  if (!fs.existsSync(indexDir)) return [];
  const found = await checkIndexFile({ indexDir, assetsDir, analysisVersion });
  switch (found.state) {
    case 'missing':
      context.needsIndex();
      return [{ level: 'note', message: 'there is no index.db yet', hint: 'Run `contextkit index`.' }];
    case 'newer':
      return [
        {
          level: 'problem',
          message: `index.db was written by a newer version of ContextKit: ${found.faults.join('; ')}`,
          hint: 'Update ContextKit, or use another folder with --index-dir.',
        },
      ];
    case 'damaged':
      return [damaged(context, found)];
    case 'whole':
      return [
        {
          level: 'ok',
          message: `index.db is whole: ${found.files.toLocaleString('en-US')} files, generation ${found.generation}`,
        },
        ...futureFiles(found),
      ];
  }
}

function damaged(context: CheckContext, { faults }: DatabaseCheck): CheckFinding {
  const message = `index.db is damaged: ${faults.join('; ')}`;
  if (!context.mayFix) {
    return {
      level: 'problem',
      message,
      hint: context.isBeingWritten
        ? 'Another process writes this index: end it, then run `contextkit doctor --fix`.'
        : 'Run `contextkit doctor --fix`: it sets the file aside and makes the index anew. Nothing of yours is in it.',
    };
  }
  const aside = setAside(path.join(context.indexDir, databaseName));
  context.needsIndex();
  return { level: 'problem', message, hint: `The file was kept as ${aside}.`, fixed: true };
}

function futureFiles({ future }: DatabaseCheck): CheckFinding[] {
  const [first] = future;
  if (first === undefined) return [];
  return [
    {
      level: 'note',
      message: `${future.length} ${future.length === 1 ? 'file has' : 'files have'} a time in the future, such as ${first}`,
      hint: 'Harmless by itself. If the clock of this machine was put back, `contextkit index --force` reads everything again.',
    },
  ];
}
