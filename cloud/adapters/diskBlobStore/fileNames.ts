/** Names that Windows keeps for devices, whatever follows a dot behind them. */
const deviceName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$|clock\$)(?=\.|$)/;

/** Ends each name of a file: a blob and a folder of the same path can both be there. */
const blobEnding = '.blob';

/** Stands for nothing: it keeps a name apart from one that means something to the system. */
const nothing = '==';

/** Capitals stand between two `=`: Windows and macOS tell names apart by their letters alone, not by their case. */
const spellCapitals = (segment: string): string =>
  segment.replace(/[A-Z]+/g, (capitals) => `=${capitals.toLowerCase()}=`);

const spellDevice = (name: string): string => name.replace(deviceName, (device) => `${device}${nothing}`);

/** Windows drops a dot at the end of a name. */
function spellEnd(name: string): string {
  return name.endsWith('.') || name.endsWith(blobEnding) ? `${name}${nothing}` : name;
}

/**
 * The name of the folder for a segment of a blob's path: the same on every system, so that the data can be moved, and
 * one that every system takes as it is. Letters in lower case, digits, `.`, `_`, `-` and `=`, up to 255 characters.
 */
export const folderName = (segment: string): string => spellEnd(spellDevice(spellCapitals(segment)));

/** The name of the file for the last segment of a blob's path. */
export const fileName = (segment: string): string => `${spellDevice(spellCapitals(segment))}${blobEnding}`;

const unspell = (name: string): string =>
  name.replaceAll(nothing, '').replace(/=([a-z]+)=/g, (_, capitals: string) => capitals.toUpperCase());

/** The segment that a name stands for; undefined for a name that none of ours has. */
export function segmentOf(name: string, kind: 'file' | 'folder'): string | undefined {
  const isFile = kind === 'file';
  if (isFile && !name.endsWith(blobEnding)) return undefined;
  const segment = unspell(isFile ? name.slice(0, -blobEnding.length) : name);
  const isOurs = /^[A-Za-z0-9._-]+$/.test(segment) && (isFile ? fileName : folderName)(segment) === name;
  return isOurs ? segment : undefined;
}
