import { linesIn } from './lineRanges.ts';
import type { LineRange } from '../model.ts';
import type { PackFile, SignatureLine } from './types.ts';

/**
 * Tokens before they are counted: code has about 3.2 characters to one. The packer buys by these; what a pack costs
 * in the end is counted exactly, and then it buys more or gives back.
 */
const charactersPerToken = 3.2;

/** A line that says which lines follow. */
export const markerTokens = 7;

export const estimate = (text: string): number => Math.ceil(text.length / charactersPerToken);

export const headingTokens = (path: string): number => Math.ceil(path.length / charactersPerToken) + 9;

export const rangeTokens = (file: PackFile, range: LineRange): number =>
  estimate(file.slice(range.startLine, range.endLine)) + linesIn(range);

export const lineTokens = ({ path, text }: SignatureLine): number => estimate(path) + estimate(text) + 4;
