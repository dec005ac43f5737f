export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

export interface DecodedText {
  text: string;
  encoding: Encoding;
}

/** NUL bytes are looked for in this many bytes, as git does to tell text from binary. */
const probeLength = 8192;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const utf16le = new TextDecoder('utf-16le');

/** Windows-1252 at 0x80 to 0x9f; elsewhere it is Latin-1. Some versions of Node decode these as Latin-1 too. */
const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/**
 * The text of a file without its byte order mark; null for what is no text.
 * Tried in this order: the mark, UTF-16 by the pattern of its NUL bytes, UTF-8, Windows-1252 (which holds Latin-1).
 * Line ends are left as they are.
 */
export function decodeText(bytes: Uint8Array): DecodedText | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16(bytes.subarray(2), 'utf-16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16(bytes.subarray(2), 'utf-16be');
  const probe = bytes.subarray(0, probeLength);
  if (probe.includes(0)) {
    const encoding = utf16WithoutMark(probe);
    return encoding === null ? null : utf16(bytes, encoding);
  }
  return utf8(bytes) ?? latin(bytes, probe);
}

function utf8(bytes: Uint8Array): DecodedText | null {
  try {
    return { text: strictUtf8.decode(bytes), encoding: 'utf-8' };
  } catch (error) {
    // The decoder's way to say that the bytes are no UTF-8.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function utf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): DecodedText | null {
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  const little = encoding === 'utf-16le' ? even : Buffer.from(even).swap16();
  const text = utf16le.decode(little);
  return text.includes('\0') ? null : { text, encoding };
}

/**
 * Code is mostly ASCII, so in UTF-16 nearly every second byte is NUL: at least 70 % of the high halves, and
 * no NUL among the low halves.
 */
function utf16WithoutMark(probe: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  const nuls = [0, 0];
  for (let i = 0; i < probe.length; i++) if (probe[i] === 0) nuls[i % 2]!++;
  const needed = Math.floor(probe.length / 2) * 0.7;
  if (nuls[0] === 0 && nuls[1]! >= needed) return 'utf-16le';
  return nuls[1] === 0 && nuls[0]! >= needed ? 'utf-16be' : null;
}

/** Text in an eight-bit encoding has few control characters and mostly ASCII; anything else is binary. */
function latin(bytes: Uint8Array, probe: Uint8Array): DecodedText | null {
  let odd = 0;
  let high = 0;
  for (const byte of probe) {
    if (byte >= 128) high++;
    else if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 12 && byte !== 27) odd++;
    else if (byte === 127) odd++;
  }
  if (odd > probe.length / 100 || high > probe.length * 0.3) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (byte) => windows1252[byte.charCodeAt(0) - 0x80]!);
  return { text, encoding: 'windows-1252' };
}
