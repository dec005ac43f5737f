/**
 * Grammars built with an older toolchain describe their memory in a custom section `dylink`, which web-tree-sitter no
 * longer reads; today's `dylink.0` holds the same numbers as subsections (WebAssembly tool conventions, "Dynamic
 * Linking"). Rewriting that one section is all such a grammar needs.
 */

const memoryInfo = 1;
const needed = 2;

function readNumber(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return [value >>> 0, at];
  }
}

function number(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

const vector = (bytes) => [...number(bytes.length), ...bytes];

/** The grammar with a `dylink.0` section; one that has it already comes back as it is. */
export function modernGrammar(wasm) {
  if (wasm[8] !== 0) return wasm;
  const [size, start] = readNumber(wasm, 9);
  const end = start + size;
  const [nameLength, nameStart] = readNumber(wasm, start);
  if (wasm.subarray(nameStart, nameStart + nameLength).toString() !== 'dylink') return wasm;
  let at = nameStart + nameLength;
  const numbers = [];
  for (let i = 0; i < 4; i++) {
    const [value, next] = readNumber(wasm, at);
    numbers.push(...number(value));
    at = next;
  }
  const section = [
    ...vector(Buffer.from('dylink.0')),
    memoryInfo,
    ...vector(numbers),
    needed,
    ...vector(wasm.subarray(at, end)),
  ];
  return Buffer.concat([wasm.subarray(0, 8), Buffer.from([0, ...vector(section)]), wasm.subarray(end)]);
}
