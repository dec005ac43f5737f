/** Writes ONNX models (https://onnx.ai, onnx.proto3), as far as the tests' models need: a few operators and tensors. */

function varint(value: number): Buffer {
  const bytes: number[] = [];
  // Tests write no negative numbers but in attributes, where -1 is an axis.
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

const whole = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);

function bytes(field: number, value: string | Uint8Array): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

const types = { float: 1, int64: 7 } as const;
export type ElementType = keyof typeof types;

/** TensorProto with raw data. */
function tensor(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): Buffer {
  return Buffer.concat([
    ...dims.map((dim) => whole(1, dim)),
    whole(2, data instanceof Float32Array ? types.float : types.int64),
    bytes(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);
}

/** ValueInfoProto; a name is an axis of any length. */
function valueInfo(name: string, type: ElementType, axes: readonly (string | number)[]): Buffer {
  const shape = Buffer.concat(axes.map((axis) => bytes(1, typeof axis === 'string' ? bytes(2, axis) : whole(1, axis))));
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, Buffer.concat([whole(1, types[type]), bytes(2, shape)])))]);
}

/** Collects the parts of a graph, in the order in which they run. */
export function createGraph() {
  const nodes: Buffer[] = [];
  const tensors: Buffer[] = [];
  const inputs: Buffer[] = [];
  const outputs: Buffer[] = [];
  return {
    input(name: string, type: ElementType, axes: readonly (string | number)[]): string {
      inputs.push(valueInfo(name, type, axes));
      return name;
    },
    output(name: string, type: ElementType, axes: readonly (string | number)[]): void {
      outputs.push(valueInfo(name, type, axes));
    },
    constant(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): string {
      tensors.push(tensor(name, dims, data));
      return name;
    },
    /** `attributes` are whole numbers. */
    node(operator: string, from: readonly string[], to: string, attributes: Record<string, number> = {}): string {
      nodes.push(
        Buffer.concat([
          ...from.map((name) => bytes(1, name)),
          bytes(2, to),
          bytes(4, operator),
          ...Object.entries(attributes).map(([name, value]) =>
            bytes(5, Buffer.concat([bytes(1, name), whole(3, value), whole(20, 2)])),
          ),
        ]),
      );
      return to;
    },
    /** The model as the bytes of a file. */
    finish(): Buffer {
      const graph = Buffer.concat([
        ...nodes.map((node) => bytes(1, node)),
        bytes(2, 'graph'),
        ...tensors.map((each) => bytes(5, each)),
        ...inputs.map((each) => bytes(11, each)),
        ...outputs.map((each) => bytes(12, each)),
      ]);
      const operators = Buffer.concat([bytes(1, ''), whole(2, 14)]);
      return Buffer.concat([whole(1, 8), bytes(2, 'test'), bytes(7, graph), bytes(8, operators)]);
    },
  };
}
