import type { MapEntry, PackDocument, PackedRange } from '../pack/types.ts';

export type RenderFormat = 'markdown' | 'xml' | 'json' | 'plain';

const lines = (range: { startLine: number; endLine: number }): string => `${range.startLine}-${range.endLine}`;

/** Longer than any fence inside, so that Markdown in a pack cannot end the block. */
function fenceFor(content: string): string {
  const longest = (content.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  return '`'.repeat(longest + 1);
}

const fenceLanguage: Record<string, string> = { csharp: 'cs', text: '' };

/** A path with line breaks or back-ticks must not break the heading it stands in. */
const quotable = (path: string): string => (/[\n\r`"<>&]/.test(path) ? JSON.stringify(path) : path);

const mapLine = ({ line, depth, signature }: MapEntry): string =>
  `${String(line).padStart(5)}  ${'  '.repeat(depth)}${signature}`;

const omission = (leftOut: number): string =>
  leftOut === 0 ? '' : `${leftOut} more matching ${leftOut === 1 ? 'item' : 'items'} did not fit the budget.`;

function markdownRange(path: string, language: string, range: PackedRange): string {
  const fence = fenceFor(range.content);
  const scope = range.scope === '' ? '' : ` (${range.scope})`;
  return `### ${quotable(path)}:${lines(range)}${scope}\n${fence}${fenceLanguage[language] ?? language}\n${range.content}\n${fence}\n`;
}

function markdown(pack: PackDocument): string {
  const blocks =
    pack.mode === 'full'
      ? pack.files.flatMap((file) => file.ranges.map((range) => markdownRange(file.path, file.language, range)))
      : pack.files.map(
          (file) => `### ${quotable(file.path)}\n\`\`\`\n${file.entries.map(mapLine).join('\n')}\n\`\`\`\n`,
        );
  const note = omission(pack.leftOut);
  return [...blocks, ...(note === '' ? [] : [`_${note}_\n`])].join('\n');
}

const escapeXml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\t', '&#9;');

/** XML 1.0 has no place for most control characters, not even escaped. */

const cdata = (text: string): string =>
  `<![CDATA[${text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd').replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;

function xml(pack: PackDocument): string {
  const files =
    pack.mode === 'full'
      ? pack.files.map((file) => {
          const ranges = file.ranges.map((range) => {
            const scope = range.scope === '' ? '' : ` scope="${escapeXml(range.scope)}"`;
            return `<range lines="${lines(range)}"${scope}>${cdata(range.content)}</range>`;
          });
          return `<file path="${escapeXml(file.path)}" language="${escapeXml(file.language)}">\n${ranges.join('\n')}\n</file>`;
        })
      : pack.files.map(
          (file) =>
            `<file path="${escapeXml(file.path)}">${cdata(`\n${file.entries.map(mapLine).join('\n')}\n`)}</file>`,
        );
  return `<context mode="${pack.mode}" left_out="${pack.leftOut}">\n${files.map((file) => `${file}\n`).join('')}</context>\n`;
}

function json(pack: PackDocument): string {
  const files =
    pack.mode === 'full'
      ? pack.files.map(({ path, language, ranges }) => ({
          path,
          language,
          ranges: ranges.map((range) => ({
            start_line: range.startLine,
            end_line: range.endLine,
            scope: range.scope,
            content: range.content,
          })),
        }))
      : pack.files.map(({ path, language, entries }) => ({ path, language, symbols: entries }));
  return `${JSON.stringify({ mode: pack.mode, files, left_out: pack.leftOut })}\n`;
}

function plain(pack: PackDocument): string {
  const blocks =
    pack.mode === 'full'
      ? pack.files.flatMap((file) =>
          file.ranges.map((range) => {
            const scope = range.scope === '' ? '' : ` (${range.scope})`;
            return `==> ${quotable(file.path)}:${lines(range)}${scope}\n${range.content}\n`;
          }),
        )
      : pack.files.map((file) => `==> ${quotable(file.path)}\n${file.entries.map(mapLine).join('\n')}\n`);
  const note = omission(pack.leftOut);
  return [...blocks, ...(note === '' ? [] : [`${note}\n`])].join('\n');
}

const renderers: Record<RenderFormat, (pack: PackDocument) => string> = { markdown, xml, json, plain };

/** The pack as text for a prompt. Same document, same bytes. */
export function renderPack(pack: PackDocument, format: RenderFormat): string {
  return renderers[format](pack);
}
