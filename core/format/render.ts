import type { PackDocument } from '../pack/types.ts';
import { json } from './json.ts';
import { markdown } from './markdown.ts';
import { joinPieces, type PackPiece } from './pieces.ts';
import { plain } from './plain.ts';
import { xml } from './xml.ts';

export type RenderFormat = 'markdown' | 'xml' | 'json' | 'plain';

const renderers: Record<RenderFormat, (pack: PackDocument) => PackPiece[]> = { markdown, xml, json, plain };

/**
 * The pack as pieces that make it up one after the other. Each ends with a line break, and none but a range begins with
 * white space or a slash: the encoding never joins two of them, so that their tokens add up to those of the whole.
 */
export function renderPieces(pack: PackDocument, format: RenderFormat): PackPiece[] {
  return renderers[format](pack);
}

/** The pack as text for a prompt. Same document, same bytes. */
export const renderPack = (pack: PackDocument, format: RenderFormat): string => joinPieces(renderPieces(pack, format));
