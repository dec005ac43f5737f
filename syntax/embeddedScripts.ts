/** Offsets of the contents of `<script>` elements of a Svelte or Vue component. */
export function scriptBlocks(text: string): [start: number, end: number][] {
  const blocks: [number, number][] = [];
  const open = /<script\b[^>]*>/gi;
  for (let match = open.exec(text); match !== null; match = open.exec(text)) {
    if (match[0].endsWith('/>')) continue;
    const start = match.index + match[0].length;
    const close = text.slice(start).search(/<\/script\s*>/i);
    const end = close < 0 ? text.length : start + close;
    blocks.push([start, end]);
    open.lastIndex = end;
  }
  return blocks;
}

/** The text with everything outside the blocks turned into spaces: offsets and lines stay what they were. */
export function blankOutside(text: string, blocks: readonly [start: number, end: number][]): string {
  const blank = (part: string): string => part.replace(/[^\r\n]/g, ' ');
  let result = '';
  let at = 0;
  for (const [start, end] of blocks) {
    result += blank(text.slice(at, start)) + text.slice(start, end);
    at = end;
  }
  return result + blank(text.slice(at));
}
