import type { MapEntry } from '../pack/types.ts';
import { jsonEntry, jsonFrame } from './json.ts';
import { ellipsis, mapLine, quotable } from './layout.ts';
import type { RenderFormat } from './render.ts';

/** What the parts of a map look like by themselves: they are counted before it is known which of them it will have. */
export interface MapPieces {
  /** The block of a file without any entry. */
  frame(path: string, language: string): string;
  /** What an entry adds. `width` is that of the file's widest line number. */
  line(entry: Omit<MapEntry, 'gap'>, width: number): string;
  /** What a mark for left out definitions adds. */
  gap: string;
}

const line: MapPieces['line'] = (entry, width) => `${mapLine(entry, width)}\n`;
const gap = `${ellipsis}\n`;

const pieces: Record<RenderFormat, MapPieces> = {
  markdown: { frame: (path) => `### ${quotable(path)}\n\`\`\`\n\`\`\`\n\n`, line, gap },
  plain: { frame: (path) => `==> ${quotable(path)}\n\n`, line, gap },
  xml: { frame: (path) => `<file path="${path}"><![CDATA[\n]]></file>\n`, line, gap },
  json: {
    frame: (path, language) => `${jsonFrame(path, language)}]},\n`,
    line: (entry) => `${jsonEntry({ ...entry, gap: false })},\n`,
    gap: ',"gap":true',
  },
};

export const mapPieces = (format: RenderFormat): MapPieces => pieces[format];
