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
import { joinPieces, type PackPiece } from './pieces.ts';

/** Longer than any fence inside, so that Markdown in a pack cannot end the block. */
function fenceFor(content: string): string {
  const longest = (content.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  return '`'.repeat(longest + 1);
}

const fenceLanguage: Record<string, string> = { csharp: 'cs', text: '' };

function fenced(heading: string, language: string, content: string): string {
  const fence = fenceFor(content);
  return `${opening(heading, language, fence)}${content}\n${fence}\n\n`;
}

const opening = (heading: string, language: string, fence: string): string =>
  `### ${heading}\n${fence}${fenceLanguage[language] ?? language}\n`;

const fileBlock = oncePerFile((file): PackPiece[] => {
  const body = bodyOf(file);
  const fence = fenceFor(joinPieces(body));
  return [opening(headingOf(file), file.language, fence), ...body, `${fence}\n\n`];
});

const list = (title: string, lines: readonly SignatureLine[]): string[] =>
  lines.length === 0 ? [] : [fenced(title, '', lines.map(signatureText).join('\n'))];

export function markdown(pack: PackDocument): PackPiece[] {
  const blocks =
    pack.mode === 'full'
      ? [...pack.files.flatMap(fileBlock), ...list(usedTitle, pack.used), ...list(signaturesTitle, pack.signatures)]
      : pack.files.map((file) => fenced(quotable(file.path), '', mapLines(file).join('\n')));
  return [...blocks, ...omissions(pack).map((sentence) => `_${sentence.replaceAll('_', '\\_')}_\n`)];
}
