import type { LineRange } from '../model.ts';
import type { PackDocument, RangeKind } from './types.ts';

/** What a manifest says of one part of a pack; never its text. */
export interface PackPart extends LineRange {
  path: string;
  kind: RangeKind | 'signature';
  /** Digest of the text that the pack shows. */
  hash: string;
  /** Digest of its first line: finds it again where it has moved. */
  lead: string;
}

export type Digest = (text: string) => string;

const leadLength = 8;

export const leadOf = (content: string, digest: Digest): string =>
  digest(content.split('\n', 1)[0]!).slice(0, leadLength);

/** What a pack shows. Its files as a whole are no part of it: what else stands in them may change. */
const shownBy = (pack: PackDocument): object =>
  pack.mode === 'map'
    ? pack
    : {
        ...pack,
        files: pack.files.map(({ path, language, ranges }) => ({
          path,
          language,
          ranges: ranges.map(({ startLine, endLine, kind, scope, content }) => {
            return { startLine, endLine, kind, scope, content };
          }),
        })),
      };

/** The same for packs that show the same, whatever they are written as. */
export const packId = (pack: PackDocument, digest: Digest): string => digest(JSON.stringify(shownBy(pack)));

/** The parts of a pack in its own order. */
export function partsOf(pack: PackDocument, digest: Digest): PackPart[] {
  const part = (path: string, range: LineRange, kind: PackPart['kind'], text: string): PackPart => ({
    path,
    startLine: range.startLine,
    endLine: range.endLine,
    kind,
    hash: digest(text),
    lead: leadOf(text, digest),
  });
  const line = (path: string, at: number, text: string): PackPart =>
    part(path, { startLine: at, endLine: at }, 'signature', text);
  if (pack.mode === 'map')
    return pack.files.flatMap(({ path, entries }) => entries.map((entry) => line(path, entry.line, entry.signature)));
  return [
    ...pack.files.flatMap(({ path, ranges }) => ranges.map((range) => part(path, range, range.kind, range.content))),
    ...[...pack.used, ...pack.signatures].map((each) => line(each.path, each.line, each.text)),
  ];
}
