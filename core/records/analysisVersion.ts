/**
 * Raised whenever chunks, symbols or words of an unchanged file would come out differently: an index made by an older
 * analysis is then made anew, file by file, while the old one goes on answering.
 */
export const analysisVersion = 6;
