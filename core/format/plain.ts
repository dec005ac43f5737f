import type { PackDocument, SignatureLine } from '../pack/types.ts';
import {
  bodyOf,
  headingOf,
  mapLines,
  omissions,
  quotable,
  signaturesTitle,
  signatureText,
  usedTitle,
} from './layout.ts';
import { oncePerFile } from './oncePerFile.ts';
import { joinPieces } from './pieces.ts';

const block = (heading: string, content: string): string => `==> ${heading}\n${content}\n\n`;

/** A file ends with an empty line, which tokens join to the one before: it is one piece. */
const fileBlock = oncePerFile((file) => `==> ${headingOf(file)}\n${joinPieces(bodyOf(file))}\n`);

const list = (title: string, lines: readonly SignatureLine[]): string[] =>
  lines.length === 0 ? [] : [block(title, lines.map(signatureText).join('\n'))];

export function plain(pack: PackDocument): string[] {
  const blocks =
    pack.mode === 'full'
      ? [...pack.files.map(fileBlock), ...list(usedTitle, pack.used), ...list(signaturesTitle, pack.signatures)]
      : pack.files.map((file) => block(quotable(file.path), mapLines(file).join('\n')));
  return [...blocks, ...omissions(pack).map((sentence) => `${sentence}\n`)];
}
