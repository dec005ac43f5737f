import type { HeldRange, MappedFile, PackDocument, SignatureLine } from '../pack/types.ts';
import { linesOf, mapLines } from './layout.ts';
import { oncePerFile } from './oncePerFile.ts';

/** XML 1.0 has no place for most control characters, not even escaped. */
const notXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const escapeXml = (text: string): string =>
  text
    .replace(notXml, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\t', '&#9;');

const cdata = (text: string): string =>
  `<![CDATA[${text.replace(notXml, '\ufffd').replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;

const fileBlock = oncePerFile(({ path, language, ranges }) => {
  const inside = ranges.map((range) => {
    const scope = range.scope === '' ? '' : ` scope="${escapeXml(range.scope)}"`;
    const kind = range.kind === 'body' ? '' : ` kind="${range.kind}"`;
    return `<range lines="${linesOf(range)}"${scope}${kind}>${cdata(range.content)}</range>\n`;
  });
  return `<file path="${escapeXml(path)}" language="${escapeXml(language)}">\n${inside.join('')}</file>\n`;
});

const mapBlock = (file: MappedFile): string =>
  `<file path="${escapeXml(file.path)}">${cdata(`\n${mapLines(file).join('\n')}\n`)}</file>\n`;

function list(name: string, lines: readonly SignatureLine[]): string[] {
  if (lines.length === 0) return [];
  const inside = lines.map(
    ({ path, line, text }) => `<signature path="${escapeXml(path)}" line="${line}">${escapeXml(text)}</signature>\n`,
  );
  return [`<${name}>\n${inside.join('')}</${name}>\n`];
}

export function xml(pack: PackDocument): string[] {
  const head = `<context mode="${pack.mode}" left_out="${pack.leftOut}">\n`;
  if (pack.mode === 'map') return [head, ...pack.files.map(mapBlock), '</context>\n'];
  const places = (name: string, ranges: readonly HeldRange[]): string[] =>
    ranges.map((range) => `<${name} path="${escapeXml(range.path)}" lines="${linesOf(range)}"/>\n`);
  return [
    head,
    ...pack.files.map(fileBlock),
    ...list('used', pack.used),
    ...list('also_relevant', pack.signatures),
    ...places('held', pack.held),
    ...places('renewed', pack.renewed),
    '</context>\n',
  ];
}
