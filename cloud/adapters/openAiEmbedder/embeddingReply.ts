const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined for what is no JSON. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // A page of a proxy, or half an answer: whoever asks says what that means.
    return undefined;
  }
}

/** The code of a failure, as `insufficient_quota`; undefined where there is none, or one that may hold anything. */
export function failureCode(content: unknown): string | undefined {
  const error = isObject(content) ? content['error'] : undefined;
  if (!isObject(error)) return undefined;
  return [error['code'], error['type']].find(
    (value): value is string => typeof value === 'string' && /^[a-z0-9_.-]{1,64}$/i.test(value),
  );
}

/** Floats of 32 bits, the lowest byte first. */
function decode(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(i * 4));
}

/** As a vector of length 1; undefined for what is none of so many dimensions. */
function vectorOf(embedding: unknown, dimensions: number): Float32Array | undefined {
  const numbers: unknown = typeof embedding === 'string' ? decode(embedding) : embedding;
  if (!Array.isArray(numbers) || numbers.length !== dimensions || !numbers.every(Number.isFinite)) return undefined;
  const vector = Float64Array.from(numbers as number[]);
  const length = Math.hypot(...vector);
  if (!(length > 0 && Number.isFinite(length))) return undefined;
  return Float32Array.from(vector, (value) => value / length);
}

/** The vectors of a reply in the order of the texts; undefined unless there is exactly one for each. */
export function vectorsOf(content: unknown, count: number, dimensions: number): Float32Array[] | undefined {
  const data = isObject(content) ? content['data'] : undefined;
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors = new Map<number, Float32Array>();
  for (const item of data as unknown[]) {
    const vector = isObject(item) ? vectorOf(item['embedding'], dimensions) : undefined;
    const index = isObject(item) ? item['index'] : undefined;
    if (vector === undefined || typeof index !== 'number') return undefined;
    vectors.set(index, vector);
  }
  const inOrder = Array.from({ length: count }, (_, i) => vectors.get(i));
  return inOrder.every((vector) => vector !== undefined) ? inOrder : undefined;
}
