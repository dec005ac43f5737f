/**
 * A provider of embeddings that speaks OpenAI's `POST /v1/embeddings`: keys, models, limits, formats, shortened vectors
 * and failures as OpenAI has them. The vectors come from whatever model it is given.
 */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Embedder } from '../../../server/embedding/types.ts';

/** Answers one request in place of the server. */
export type OpenAiFault = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface OpenAiSettings {
  apiKey: string;
  model: string;
  /** Embeds with the processes of the product. */
  pool: Embedder;
}

export interface OpenAiServer {
  /** With `/v1`. */
  baseUrl: string;
  port: number;
  requests: { texts: number; bytes: number }[];
  next(...faults: OpenAiFault[]): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    readonly code: string | null,
    message: string,
  ) {
    super(message);
  }
}

const invalid = (message: string): Refusal => new Refusal(400, 'invalid_request_error', null, message);

interface Asked {
  texts: string[];
  dimensions: number;
  format: 'float' | 'base64';
}

const parameters = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user']);

function textsOf(input: unknown): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input];
  if (texts.length === 0 || texts.length > 2_048) throw invalid("'$.input' has 1 to 2048 items");
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && !/\p{Surrogate}/u.test(value);
  if (!texts.every(isText)) throw invalid("'$.input' is invalid. Please check the API reference");
  // As if each byte were a token: whoever stays below this is never refused.
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > 300_000)
    throw new Refusal(400, 'max_tokens_per_request', 'max_tokens_per_request', 'max 300000 tokens per request');
  return texts;
}

function askedOf(body: string, settings: OpenAiSettings): Asked {
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    throw invalid('We could not parse the JSON body of your request.');
  }
  if (typeof content !== 'object' || content === null) throw invalid('the body is an object');
  const { model, input, dimensions, encoding_format: format = 'float' } = content as Record<string, unknown>;
  const unknown = Object.keys(content).find((name) => !parameters.has(name));
  if (unknown !== undefined) throw invalid(`Unrecognized request argument supplied: ${unknown}`);
  if (model !== settings.model)
    throw new Refusal(404, 'invalid_request_error', 'model_not_found', `The model does not exist`);
  const most = settings.pool.model.spec.dimensions;
  const wanted = dimensions ?? most;
  if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 1 || wanted > most)
    throw invalid(`Invalid value for 'dimensions'. Must be less than or equal to ${most}.`);
  if (format !== 'float' && format !== 'base64') throw invalid(`'${String(format)}' is not one of ['float', 'base64']`);
  return { texts: textsOf(input), dimensions: wanted, format };
}

/** The first of its numbers, made a vector of length 1 again. */
function shortened(vector: Float32Array, dimensions: number): Float32Array {
  const head = vector.subarray(0, dimensions);
  const length = Math.hypot(...head);
  return head.map((value) => value / length);
}

function written(vector: Float32Array, format: Asked['format']): number[] | string {
  if (format === 'float') return Array.from(vector);
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString('base64');
}

/** Answers with one of OpenAI's errors. */
export const openAiError =
  (status: number, code: string, headers: http.OutgoingHttpHeaders = {}): OpenAiFault =>
  (_, response) => {
    const error = { message: 'Incorrect API key provided: sk-repe***ated', type: code, param: null, code };
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify({ error }));
  };

/** Answers 200 with this. */
export const openAiSays =
  (content: unknown): OpenAiFault =>
  (_, response) => {
    response.writeHead(200).end(typeof content === 'string' ? content : JSON.stringify(content));
  };

export const openAiHangsUp: OpenAiFault = (request) => request.socket.destroy();
export const openAiIsSilent: OpenAiFault = () => undefined;

export async function startOpenAi(settings: OpenAiSettings): Promise<OpenAiServer> {
  const faults: OpenAiFault[] = [];
  const sockets = new Set<Socket>();

  async function embed({ texts, dimensions, format }: Asked): Promise<object> {
    const embedded = await settings.pool.embed(texts, { kind: 'text', priority: 0 });
    let tokens = 0;
    const data = embedded.map((each, index) => {
      if (!('vector' in each)) throw new Refusal(500, 'server_error', null, each.failure);
      tokens += each.tokens;
      const embedding = written(shortened(each.vector, dimensions), format);
      return { object: 'embedding', index, embedding };
    });
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    // OpenAI names each by its index; their order is nothing to rely on.
    return { object: 'list', data: data.reverse(), model: settings.model, usage };
  }

  async function onRequest(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const fault = faults.shift();
    const seen = { texts: 0, bytes: 0 };
    server.requests.push(seen);
    if (fault !== undefined) return fault(request, response);
    const answer = (status: number, content: object): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(content));
    };
    try {
      if (request.headers.authorization !== `Bearer ${settings.apiKey}`)
        throw new Refusal(401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided: sk-x***y.');
      if (request.method !== 'POST' || request.url !== '/v1/embeddings')
        throw new Refusal(404, 'invalid_request_error', 'unknown_url', 'Unknown request URL');
      const body = Buffer.concat(pieces);
      const asked = askedOf(body.toString(), settings);
      Object.assign(seen, { texts: asked.texts.length, bytes: body.length });
      answer(200, await embed(asked));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, type, code, message } = error;
      answer(status, { error: { message, type, param: null, code } });
    }
  }

  const listener = http.createServer((request, response) => {
    onRequest(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const server: OpenAiServer = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    requests: [],
    next: (...more) => void faults.push(...more),
    close: () =>
      new Promise((done) => {
        listener.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return server;
}
