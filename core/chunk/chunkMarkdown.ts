import type { Chunk, CodeSymbol } from '../model.ts';
import { chunkPieces } from './chunkPieces.ts';
import type { LineTokens } from './lineTokens.ts';

interface Heading {
  line: number;
  level: number;
  title: string;
}

const fence = /^ {0,3}(`{3,}|~{3,})/;
const atxHeading = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?$/;

/** Headings outside fenced code: `# …` and underlined ones. */
export function findHeadings(lines: readonly string[]): Heading[] {
  const headings: Heading[] = [];
  let open: string | undefined;
  lines.forEach((text, i) => {
    const mark = fence.exec(text)?.[1];
    if (open !== undefined) {
      if (mark !== undefined && mark[0] === open[0] && mark.length >= open.length) open = undefined;
      return;
    }
    if (mark !== undefined) {
      open = mark;
      return;
    }
    const atx = atxHeading.exec(text);
    if (atx !== null) headings.push({ line: i + 1, level: atx[1]!.length, title: (atx[2] ?? '').trim() });
    const underline = /^ {0,3}(=+|-{2,})[ \t]*\r?$/.exec(text);
    const above = lines[i - 1];
    if (
      underline !== null &&
      above !== undefined &&
      /^ {0,3}[^\s#>|*+-]/.test(above) &&
      !(headings.at(-1)?.line === i)
    ) {
      headings.push({ line: i, level: underline[1]!.startsWith('=') ? 1 : 2, title: above.trim() });
    }
  });
  return headings;
}

/** Sections as symbols: each ends before the next heading of its level or above. */
export function markdownSymbols(lines: readonly string[]): CodeSymbol[] {
  const headings = findHeadings(lines);
  const open: Heading[] = [];
  return headings.map((heading, i) => {
    while (open.length > 0 && open.at(-1)!.level >= heading.level) open.pop();
    const container = open.map(({ title }) => title);
    open.push(heading);
    const next = headings.slice(i + 1).find(({ level }) => level <= heading.level);
    const endLine = next === undefined ? lines.length : next.line - 1;
    const signature = `${'#'.repeat(heading.level)} ${heading.title}`.slice(0, 240);
    return {
      name: heading.title,
      kind: 'section' as const,
      line: heading.line,
      startLine: heading.line,
      endLine,
      signature,
      container,
    };
  });
}

/** Chunks a Markdown text by its headings. */
export function chunkMarkdown(
  tokens: LineTokens,
  sections: readonly CodeSymbol[],
  scopeLineTokens: (scope: string) => number,
): Chunk[] {
  if (tokens.lineCount === 0) return [];
  const cuts = [...new Set([1, ...sections.map(({ startLine }) => startLine)])].sort((a, b) => a - b);
  return chunkPieces({ tokens, cuts, definitions: sections, scopeLineTokens });
}

/** Chunks any other text: cut at blank lines where possible. */
export function chunkLines(tokens: LineTokens, scopeLineTokens: (scope: string) => number): Chunk[] {
  if (tokens.lineCount === 0) return [];
  return chunkPieces({ tokens, cuts: [1], definitions: [], scopeLineTokens });
}
