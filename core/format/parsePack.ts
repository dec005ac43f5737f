import type { PackPart } from '../pack/packParts.ts';
import { signaturesTitle, usedTitle } from './layout.ts';

/** A part of a pack as it is read back, with the text that it shows. */
export type ParsedPart = Pick<PackPart, 'path' | 'startLine' | 'endLine' | 'kind'> & { content: string };

const rangeOf = (text: string): { startLine: number; endLine: number } => {
  const [startLine, endLine] = text.split('-').map(Number);
  return { startLine: startLine!, endLine: endLine! };
};

const pathOf = (written: string): string => (written.startsWith('"') ? (JSON.parse(written) as string) : written);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const objects = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);

function fromJson(text: string): ParsedPart[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // no JSON: another format, then
  }
  if (!isObject(value)) return null;
  // What `select --json` prints holds the pack as text.
  if (typeof value['context'] === 'string') return parsePack(value['context']);
  if (!Array.isArray(value['files'])) return null;
  const line = (path: string, each: Record<string, unknown>, content: unknown): ParsedPart => ({
    path,
    startLine: Number(each['line']),
    endLine: Number(each['line']),
    kind: 'signature',
    content: String(content),
  });
  const files = objects(value['files']).flatMap((file) => {
    const path = String(file['path']);
    const ranges = objects(file['ranges']).map((range) => ({
      path,
      startLine: Number(range['start_line']),
      endLine: Number(range['end_line']),
      kind: range['kind'] as PackPart['kind'],
      content: String(range['content']),
    }));
    return [...ranges, ...objects(file['symbols']).map((each) => line(path, each, each['signature']))];
  });
  const listed = [...objects(value['used']), ...objects(value['also_relevant'])];
  return [...files, ...listed.map((each) => line(String(each['path']), each, each['text']))];
}

const entities: Record<string, string> = {
  lt: '<',
  gt: '>',
  quot: '"',
  amp: '&',
  '#10': '\n',
  '#13': '\r',
  '#9': '\t',
};
const unescapeXml = (text: string): string =>
  text.replace(/&([a-z]+|#\d+);/g, (all, name: string) => entities[name] ?? all);

function fromXml(text: string): ParsedPart[] | null {
  if (!text.startsWith('<context mode=')) return null;
  const parts: ParsedPart[] = [];
  const pattern =
    /<file path="([^"]*)"[^>]*>|<range lines="(\d+-\d+)"(?: scope="[^"]*")?(?: kind="(\w+)")?>|<signature path="([^"]*)" line="(\d+)">([^<]*)<|<!\[CDATA\[/g;
  let path = '';
  let range: { lines: string; kind: string } | undefined;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, file, lines, kind, listedPath, line, signature] = match;
    if (file !== undefined) [path, range] = [unescapeXml(file), undefined];
    else if (lines !== undefined) range = { lines, kind: kind ?? 'body' };
    else if (listedPath !== undefined) {
      const at = Number(line);
      const content = unescapeXml(signature!);
      parts.push({ path: unescapeXml(listedPath), startLine: at, endLine: at, kind: 'signature', content });
    } else {
      let content = '';
      // `]]>` inside is written as the end of one section and the beginning of the next.
      for (;;) {
        const end = text.indexOf(']]>', pattern.lastIndex);
        if (end < 0) return null;
        content += text.slice(pattern.lastIndex, end);
        pattern.lastIndex = end + 3;
        if (!text.startsWith('<![CDATA[', end + 3)) break;
        pattern.lastIndex = end + 12;
      }
      if (range === undefined) parts.push(...mapEntries(path, content.split('\n')));
      else parts.push({ path, ...rangeOf(range.lines), kind: range.kind as PackPart['kind'], content });
      range = undefined;
    }
  }
  return parts;
}

function mapEntries(path: string, lines: readonly string[]): ParsedPart[] {
  return lines.flatMap((line) => {
    const entry = /^(\d+) +(.*)$/.exec(line);
    if (entry === null) return [];
    const at = Number(entry[1]);
    return [{ path, startLine: at, endLine: at, kind: 'signature' as const, content: entry[2]! }];
  });
}

function listed(lines: readonly string[]): ParsedPart[] {
  return lines.flatMap((line) => {
    const entry = /^("(?:[^"\\]|\\.)*"|.+?):(\d+) (.*)$/.exec(line);
    if (entry === null) return [];
    const at = Number(entry[2]);
    return [{ path: pathOf(entry[1]!), startLine: at, endLine: at, kind: 'signature' as const, content: entry[3]! }];
  });
}

const headingLine = /^(?:###|==>) ("(?:[^"\\]|\\.)*"|.+?)(?::(\d+-\d+))?(?: \((.*)\))?$/;
const markerLine = /^… (\d+-\d+)(?: \(.*\))?$/;

/** Blocks with a heading and lines. How many lines a range has says its heading: what stands in them is never read. */
function fromText(text: string): ParsedPart[] | null {
  const lines = text.split('\n');
  const isMarkdown = text.startsWith('### ');
  if (!isMarkdown && !text.startsWith('==> ')) return null;
  const parts: ParsedPart[] = [];
  let at = 0;
  const take = (path: string, range: string): void => {
    const { startLine, endLine } = rangeOf(range);
    const content = lines.slice(at, at + endLine - startLine + 1).join('\n');
    at += endLine - startLine + 1;
    parts.push({ path, startLine, endLine, kind: 'body', content });
  };
  while (at < lines.length) {
    const heading = headingLine.exec(lines[at++]!);
    if (heading === null) continue;
    const [, written, range] = heading as unknown as [string, string, string | undefined];
    const fence = isMarkdown ? (/^`{3,}/.exec(lines[at++] ?? '')?.[0] ?? '```') : '';
    if (range !== undefined) {
      take(pathOf(written), range);
      continue;
    }
    if (markerLine.test(lines[at] ?? '')) {
      for (let marker = markerLine.exec(lines[at] ?? ''); marker !== null; marker = markerLine.exec(lines[at] ?? '')) {
        at++;
        take(pathOf(written), marker[1]!);
      }
      continue;
    }
    const block: string[] = [];
    while (at < lines.length && lines[at] !== fence) block.push(lines[at++]!);
    const isList = written === usedTitle || written === signaturesTitle;
    parts.push(...(isList ? listed(block) : mapEntries(pathOf(written), block)));
  }
  return parts;
}

/**
 * Reads a pack back from what a format wrote, or from what `select --json` printed; null if it is no pack. Markdown and
 * plain text do not say why a range is there: all of them are bodies.
 */
export function parsePack(text: string): ParsedPart[] | null {
  return fromJson(text) ?? fromXml(text) ?? fromText(text);
}
