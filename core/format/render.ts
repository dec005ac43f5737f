import type { PackDocument } from '../pack/types.ts';
import { json } from './json.ts';
import { markdown } from './markdown.ts';
import { plain } from './plain.ts';
import { xml } from './xml.ts';

export type RenderFormat = 'markdown' | 'xml' | 'json' | 'plain';

const renderers: Record<RenderFormat, (pack: PackDocument) => string[]> = { markdown, xml, json, plain };

/**
 * The pack as pieces of text that make it up one after the other. Each ends with a line break and begins with neither
 * white space nor a slash, so that the encoding never joins two of them: their tokens add up to those of the whole.
 */
export function renderBlocks(pack: PackDocument, format: RenderFormat): string[] {
  return renderers[format](pack);
}

/** The pack as text for a prompt. Same document, same bytes. */
export const renderPack = (pack: PackDocument, format: RenderFormat): string => renderBlocks(pack, format).join('');
