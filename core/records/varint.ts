/** A length below this takes one byte. */
const shortText = 128;

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** Up to here a loop is faster than the decoder, which has to be entered for each text. */
const quickText = 16;

function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > quickText) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    if (bytes[i]! > 127) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(bytes[i]!);
  }
  return text;
}

/** Unsigned LEB128 numbers and length-prefixed UTF-8 strings in a growing buffer. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    wider.set(this.#bytes);
    this.#bytes = wider;
  }

  number(value: number): void {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    if (value.length < shortText && isAscii(value)) {
      // Most texts are names: byte by byte is faster than a buffer for each.
      this.#reserve(value.length + 1);
      this.#bytes[this.#length++] = value.length;
      for (let i = 0; i < value.length; i++) this.#bytes[this.#length++] = value.charCodeAt(i);
      return;
    }
    const bytes = encoder.encode(value);
    this.number(bytes.length);
    this.bytes(bytes);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads what ByteWriter wrote; throws RangeError past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read; set, it goes on from there. */
  get position(): number {
    return this.#at;
  }

  set position(at: number) {
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('the record ends too early');
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new RangeError('a number is longer than 32 bits');
  }

  text(): string {
    const start = this.skipText();
    return textOf(this.#bytes, start, this.#at);
  }

  /** The text that begins at a place; what is read next stays what it was. */
  textAt(position: number): string {
    const before = this.#at;
    this.#at = position;
    const text = this.text();
    this.#at = before;
    return text;
  }

  /** The next bytes as they are, not copied. */
  bytes(length: number): Uint8Array {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new RangeError('the record ends too early');
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Goes past a text; returns where it began. */
  skipText(): number {
    const length = this.number();
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new RangeError('the record ends too early');
    this.#at += length;
    return start;
  }
}
