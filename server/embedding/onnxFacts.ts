import { open, type FileHandle } from 'node:fs/promises';

/** What can be read of a model without running it. */
export interface OnnxFacts {
  inputs: string[];
  /** With the length of the last axis, null where the file leaves it open. */
  outputs: { name: string; width: number | null }[];
}

/** Why a file is no model; what people read. */
export interface OnnxFault {
  fault: string;
}

/** A field of a Protocol Buffers message: its bytes lie at `start` to `end`; `value` is that of a number. */
interface Field {
  tag: number;
  start: number;
  end: number;
  value: number;
}

class Malformed extends Error {}

const windowBytes = 1 << 14;
/** Longest varint, and the longest text that is read as a name. */
const varintBytes = 10;
const nameBytes = 4096;

/** Reads forward through a file in small windows: bodies of tensors are stepped over, not read. */
class Window {
  private held = Buffer.alloc(0);
  private heldAt = 0;

  constructor(
    private readonly file: FileHandle,
    readonly size: number,
  ) {}

  /** The bytes from `position`, at most `length` of them, fewer at the end of the file. */
  async bytes(position: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, Math.max(0, this.size - position));
    const from = position - this.heldAt;
    if (from >= 0 && from + wanted <= this.held.length) return this.held.subarray(from, from + wanted);
    const buffer = Buffer.alloc(Math.max(wanted, Math.min(windowBytes, this.size - position)));
    const { bytesRead } = await this.file.read(buffer, 0, buffer.length, position);
    this.held = buffer.subarray(0, bytesRead);
    this.heldAt = position;
    return this.held.subarray(0, Math.min(wanted, bytesRead));
  }
}

function varint(bytes: Buffer): { value: number; length: number } {
  let value = 0;
  for (let i = 0; i < Math.min(varintBytes, bytes.length); i++) {
    const byte = bytes[i]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, length: i + 1 };
  }
  throw new Malformed('no number where one must be');
}

/** How many bytes follow a key, by its wire type (Protocol Buffers encoding; groups are not used by ONNX). */
function bodyOf(wire: number, bytes: Buffer): { start: number; length: number; value: number } {
  if (wire === 0) {
    const { value, length } = varint(bytes);
    return { start: 0, length, value };
  }
  if (wire === 1) return { start: 0, length: 8, value: 0 };
  if (wire === 5) return { start: 0, length: 4, value: 0 };
  if (wire !== 2) throw new Malformed(`unknown wire type ${wire}`);
  const { value, length } = varint(bytes);
  return { start: length, length: value, value: 0 };
}

/** The fields of the message that lies at `start` to `end`. */
async function* fieldsOf(window: Window, start: number, end: number): AsyncGenerator<Field> {
  for (let at = start; at < end;) {
    const head = await window.bytes(at, 2 * varintBytes);
    const key = varint(head);
    const tag = Math.floor(key.value / 8);
    if (tag === 0) throw new Malformed('a field without a number');
    const body = bodyOf(key.value % 8, head.subarray(key.length));
    const from = at + key.length + body.start;
    const to = from + body.length;
    if (to > end)
      throw new Malformed(
        end === window.size
          ? `cut off: ${to.toLocaleString('en-US')} bytes are announced, ${end.toLocaleString('en-US')} are there`
          : 'a part is longer than the whole',
      );
    yield { tag, start: from, end: to, value: body.value };
    at = to;
  }
}

async function first(window: Window, within: Field, tag: number): Promise<Field | undefined> {
  for await (const field of fieldsOf(window, within.start, within.end)) if (field.tag === tag) return field;
  return undefined;
}

async function text(window: Window, { start, end }: Field): Promise<string> {
  return (await window.bytes(start, Math.min(nameBytes, end - start))).toString('utf8');
}

// Numbers of fields, from onnx.proto3.
const model = { graph: 7 } as const;
const graph = { initializer: 5, input: 11, output: 12 } as const;
const tensor = { externalData: 13, dataLocation: 14 } as const;
const valueInfo = { name: 1, type: 2 } as const;

/** Length of the last axis of a ValueInfoProto: type › tensor_type › shape › dim › dim_value. */
async function widthOf(window: Window, value: Field): Promise<number | null> {
  const type = await first(window, value, valueInfo.type);
  const tensorType = type && (await first(window, type, 1));
  const shape = tensorType && (await first(window, tensorType, 2));
  if (shape === undefined) return null;
  let width: number | null = null;
  for await (const axis of fieldsOf(window, shape.start, shape.end))
    if (axis.tag === 1) width = (await first(window, axis, 1))?.value ?? null;
  return width;
}

async function readGraph(window: Window, within: Field): Promise<OnnxFacts> {
  const facts: OnnxFacts = { inputs: [], outputs: [] };
  for await (const field of fieldsOf(window, within.start, within.end)) {
    if (field.tag === graph.initializer) {
      for await (const { tag, value } of fieldsOf(window, field.start, field.end))
        if (tag === tensor.externalData || (tag === tensor.dataLocation && value !== 0))
          throw new Malformed('its weights lie in another file, which is not supported');
    } else if (field.tag === graph.input || field.tag === graph.output) {
      const label = await first(window, field, valueInfo.name);
      const name = label === undefined ? '' : await text(window, label);
      if (field.tag === graph.input) facts.inputs.push(name);
      else facts.outputs.push({ name, width: await widthOf(window, field) });
    }
  }
  return facts;
}

/** What lies there in place of a model, by its first bytes. */
export function whatElse(head: Buffer): string | null {
  if (head.length === 0) return 'an empty file';
  const start = head
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (start.startsWith('version https://git-lfs'))
    return 'a pointer of Git LFS, not the file itself (`git lfs pull` fetches it)';
  if (/^<(!doctype|html|head|body|\?xml)/i.test(start)) return 'a web page';
  if (start.startsWith('PK\u0003\u0004')) return 'a zip archive';
  if (head.every((byte) => byte === 0)) return 'nothing but zeros';
  return null;
}

/** Inputs and outputs of an ONNX file (onnx.proto3, ModelProto); its structure is followed from end to end. */
export async function readOnnxFacts(file: string): Promise<OnnxFacts | OnnxFault> {
  const handle = await open(file, 'r');
  try {
    const window = new Window(handle, (await handle.stat()).size);
    const other = whatElse(await window.bytes(0, 256));
    if (other !== null) return { fault: `is ${other}` };
    let facts: OnnxFacts | undefined;
    for await (const field of fieldsOf(window, 0, window.size))
      if (field.tag === model.graph && facts === undefined) facts = await readGraph(window, field);
    if (facts === undefined) return { fault: 'is not an ONNX model: it holds no graph' };
    return facts;
  } catch (error) {
    if (error instanceof Malformed) return { fault: `is not a whole ONNX model: ${error.message}` };
    throw error;
  } finally {
    await handle.close();
  }
}
