import { VectorStoreError } from '../../ports/vectorStore.ts';
import { askPatiently, isPassingStatus, NoAnswer, type Answer, type Patience } from '../outbound/askPatiently.ts';

export interface QdrantClientOptions {
  /** `https://host:6333`, perhaps with a path. */
  url: string;
  apiKey?: string;
  patience?: Partial<Patience>;
}

export interface QdrantRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the address, with its `/`. */
  path: string;
  query?: string;
  body?: string;
  /** Statuses that the caller knows what to do with; all others but 200 are errors. */
  alsoExpected?: readonly number[];
}

export interface QdrantReply {
  status: number;
  /** Of an expected failure there is none. */
  result: unknown;
}

const usualPatience: Patience = { attempts: 4, timeoutMs: 6_000, silences: 2, firstDelayMs: 100, mostDelayMs: 5_000 };
const mostReplyBytes = 64 * 2 ** 20;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const nonsense = (action: string): VectorStoreError =>
  new VectorStoreError(`the vector store was asked to ${action} and answered nonsense`, { isUnavailable: false });

function parse(answer: Answer): unknown {
  try {
    return JSON.parse(Buffer.from(answer.body).toString('utf8'));
  } catch {
    // Not JSON at all is one of the answers that Qdrant never gives: the callers say so.
    return undefined;
  }
}

/** Qdrant's own failures say `{ status: { error } }`; those of a proxy before it do not. */
const isFailureOfQdrant = (content: unknown): boolean =>
  isObject(content) && isObject(content['status']) && typeof content['status']['error'] === 'string';

/** Asks Qdrant's REST interface, and checks that what answers is Qdrant. What fails in passing is tried again. */
export function createQdrantClient(options: QdrantClientOptions) {
  const address = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol) || address.search !== '' || address.username !== '')
    throw new TypeError('the address of Qdrant is an http or https address without a name or a query');
  const base = address.href.replace(/\/+$/, '');
  const patience = { ...usualPatience, ...options.patience };
  const headers = {
    'Content-Type': 'application/json',
    ...(options.apiKey === undefined ? {} : { 'api-key': options.apiKey }),
  };

  async function answerOf(action: string, { method, path, query = '', body }: QdrantRequest): Promise<Answer> {
    const request = (): Request =>
      new Request(`${base}${path}${query}`, { method, headers, ...(body === undefined ? {} : { body }) });
    try {
      return await askPatiently({ request, patience, maxBytes: mostReplyBytes });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw new VectorStoreError(`the vector store does not answer when asked to ${action}`, {
        isUnavailable: true,
        cause: error,
      });
    }
  }

  return {
    async ask(action: string, request: QdrantRequest): Promise<QdrantReply> {
      const answer = await answerOf(action, request);
      const content = parse(answer);
      const { status } = answer;
      if (status === 200) {
        if (!isObject(content) || content['status'] !== 'ok' || !('result' in content)) throw nonsense(action);
        return { status, result: content['result'] };
      }
      if (request.alsoExpected?.includes(status) === true && isFailureOfQdrant(content))
        return { status, result: undefined };
      throw new VectorStoreError(`the vector store refuses to ${action} (${status})`, {
        isUnavailable: isPassingStatus(status),
      });
    },
  };
}
