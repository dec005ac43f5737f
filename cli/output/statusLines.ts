import type { EngineStatus } from '../../server/engine/index.ts';
import { writerName } from '../otherWriter.ts';
import { skippedLines } from './skippedList.ts';
import { bytes, counted, printable, type Style } from './terminal.ts';
import { vectorLines } from './vectorLines.ts';

const shownPerReason = 5;
const shownLanguages = 8;

function weightLines({ inForce, unused, nextStep }: EngineStatus['weights'], style: Style): string[] {
  if (inForce === 'default' && unused === null) return [];
  const says = {
    default: 'default weights',
    set: 'weights of config.yaml',
    tuned: 'weights tuned for this repository',
  };
  return [
    `Ranking    ${says[inForce]}`,
    ...(unused === null ? [] : [style.yellow(`           ${printable(unused)} ${nextStep ?? ''}`)]),
  ];
}

/** What is indexed, and what is not and why; of each reason a few paths, unless `all` are wanted. */
export function statusLines(status: EngineStatus, style: Style, all: boolean): string[] {
  const languages = status.languages.slice(0, shownLanguages).map(({ language, files }) => `${language} ${files}`);
  const lines = [
    `${style.bold(status.root)}`,
    `Index      ${status.indexDir} (${bytes(status.diskBytes)}, generation ${status.generation})`,
    `State      ${status.state}${status.lastIndexedAt === null ? '' : `, complete as of ${status.lastIndexedAt}`}`,
    `Content    ${counted(status.files, 'file')}, ${counted(status.lines, 'line')}, ${counted(status.chunks, 'chunk')}, ${counted(status.symbols, 'symbol')}`,
    `Languages  ${languages.join(', ')}${status.languages.length > shownLanguages ? `, ${status.languages.length - shownLanguages} more` : ''}`,
  ];
  if (status.history !== null)
    lines.push(`History    ${counted(status.history.commits, 'commit')} up to ${status.history.head.slice(0, 12)}`);
  lines.push(...vectorLines(status.vectors), ...weightLines(status.weights, style));
  if (status.writer !== null)
    lines.push(`Writer     ${printable(writerName(status.writer))} since ${status.writer.startedAt}`);
  if (status.filesWithSyntaxErrors > 0)
    lines.push(`Syntax     ${counted(status.filesWithSyntaxErrors, 'file')} with syntax errors, indexed all the same`);
  if (status.truncatedChunks > 0)
    lines.push(`Long lines ${counted(status.truncatedChunks, 'chunk')} with a line that is longer than the model sees`);
  for (const repair of status.repairs) lines.push(style.yellow(`Note       ${repair}`));
  lines.push(`Skipped    ${status.skipped.length === 0 ? 'nothing' : counted(status.skipped.length, 'path')}`);
  return [...lines, ...skippedLines(status.skipped, all ? Number.MAX_SAFE_INTEGER : shownPerReason)];
}
