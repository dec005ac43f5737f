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

/** Longer than any fence inside, so that Markdown in a pack cannot end the block. */
function fenceFor(content: string): string {
  const longest = (content.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  return '`'.repeat(longest + 1);
}

const fenceLanguage: Record<string, string> = { csharp: 'cs', text: '' };

function fenced(heading: string, language: string, content: string): string {
  const fence = fenceFor(content);
  return `### ${heading}\n${fence}${fenceLanguage[language] ?? language}\n${content}\n${fence}\n\n`;
}

const fileBlock = oncePerFile((file) => fenced(headingOf(file), file.language, bodyOf(file)));

const list = (title: string, lines: readonly SignatureLine[]): string[] =>
  lines.length === 0 ? [] : [fenced(title, '', lines.map(signatureText).join('\n'))];

export function markdown(pack: PackDocument): string[] {
  const blocks =
    pack.mode === 'full'
      ? [...pack.files.map(fileBlock), ...list(usedTitle, pack.used), ...list(signaturesTitle, pack.signatures)]
      : pack.files.map((file) => fenced(quotable(file.path), '', mapLines(file).join('\n')));
  return [...blocks, ...omissions(pack).map((sentence) => `_${sentence.replaceAll('_', '\\_')}_\n`)];
}
