import type { PackedRange } from '../pack/types.ts';

/** A piece of a pack: text, or a range as it stands in its file with a line break behind it. */
export type PackPiece = string | PackedRange;

export const textOfPiece = (piece: PackPiece): string => (typeof piece === 'string' ? piece : `${piece.content}\n`);

export const joinPieces = (pieces: readonly PackPiece[]): string => pieces.map(textOfPiece).join('');
