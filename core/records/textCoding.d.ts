/** What every platform has for UTF-8 (the Encoding Standard); the language's own types do not know it. */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: 'utf-8', options: { ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
