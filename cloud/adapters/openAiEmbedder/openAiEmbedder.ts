import { EmbedderError, type Embedder } from '../../ports/embedder.ts';
import {
  askPatiently,
  isPassingStatus,
  NoAnswer,
  retryAfterMs,
  type Answer,
  type Patience,
} from '../outbound/askPatiently.ts';
import { failureCode, parseJson, vectorsOf } from './embeddingReply.ts';

export interface OpenAiEmbedderOptions {
  /** Up to and with the version, as `https://api.openai.com/v1`. */
  baseUrl: string;
  apiKey: string;
  /** Default `text-embedding-3-small`. */
  model?: string;
  /** Default 384: the model shortens its vectors to that. */
  dimensions?: number;
  /** Of one request; default 256. Some servers take no more than 32. */
  maxTexts?: number;
  /** Requests of one call that are under way at once; default 4. */
  concurrency?: number;
  /** Instead of what is usual for a question, or for chunks. */
  patience?: Partial<Patience>;
}

/** Somebody waits for a question; chunks have time. */
const usualPatience: Record<'question' | 'chunk', Patience> = {
  question: { attempts: 3, timeoutMs: 4_000, silences: 1, firstDelayMs: 100, mostDelayMs: 2_000 },
  chunk: { attempts: 6, timeoutMs: 60_000, silences: 3, firstDelayMs: 500, mostDelayMs: 20_000 },
};

/**
 * OpenAI takes 300,000 tokens a request. A token has a byte at least, so that bytes are an estimate that is never too
 * low, whatever the tokenizer.
 */
const mostBytes = 250_000;
const mostReplyBytes = 64 * 2 ** 20;

interface Batch {
  /** Of its first text. */
  from: number;
  texts: string[];
}

/** Half a surrogate pair is no text: some servers refuse it. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

function batchesOf(texts: readonly string[], maxTexts: number): Batch[] {
  const batches: Batch[] = [];
  let bytes = 0;
  for (const [i, each] of texts.entries()) {
    const text = wellFormed(each);
    const size = Buffer.byteLength(text);
    const last = batches.at(-1);
    if (last === undefined || last.texts.length >= maxTexts || bytes + size > mostBytes) {
      batches.push({ from: i, texts: [text] });
      bytes = size;
    } else {
      last.texts.push(text);
      bytes += size;
    }
  }
  return batches;
}

/** A quota that is used up does not come back while one waits. */
const isOutOfQuota = ({ status, body }: Answer): boolean =>
  status === 429 && failureCode(parseJson(body)) === 'insufficient_quota';

function refusal(answer: Answer): EmbedderError {
  const { status, headers, body } = answer;
  // What the provider says in words may repeat a part of the key, or of a text.
  const code = failureCode(parseJson(body));
  const wait = retryAfterMs(headers);
  return new EmbedderError(`the embedding provider refuses (${status}${code === undefined ? '' : ` ${code}`})`, {
    isUnavailable: isPassingStatus(status),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  });
}

function addressOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '')
    throw new TypeError('the address of the embedding provider is an http or https address without a name or a query');
  return `${url.href.replace(/\/+$/, '')}/embeddings`;
}

/**
 * Embeds at OpenAI, or at whatever speaks its `POST /embeddings`. Texts go in requests of many; what fails in passing
 * is tried again, as long after as the provider asks. Nothing is logged, and no error holds a text or the key.
 */
export function openAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  const { apiKey, model = 'text-embedding-3-small', dimensions = 384, maxTexts = 256, concurrency = 4 } = options;
  const address = addressOf(options.baseUrl);

  async function answerOf(texts: string[], patience: Patience, signal: AbortSignal): Promise<Answer> {
    const body = JSON.stringify({ model, input: texts, dimensions, encoding_format: 'base64' });
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` };
    try {
      return await askPatiently({
        request: () => new Request(address, { method: 'POST', headers, body }),
        patience,
        maxBytes: mostReplyBytes,
        signal,
        isPassing: (answer) => isPassingStatus(answer.status) && !isOutOfQuota(answer),
      });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      throw new EmbedderError('the embedding provider does not answer', { isUnavailable: true, cause: error });
    }
  }

  async function embedBatch(texts: string[], patience: Patience, signal: AbortSignal): Promise<Float32Array[]> {
    const answer = await answerOf(texts, patience, signal);
    if (answer.status !== 200) throw refusal(answer);
    const vectors = vectorsOf(parseJson(answer.body), texts.length, dimensions);
    if (vectors === undefined)
      throw new EmbedderError(`the embedding provider gives no ${dimensions} numbers for each text`, {
        isUnavailable: false,
      });
    return vectors;
  }

  return {
    model: `${model}/${dimensions}`,
    dimensions,
    async embed(texts, purpose, signal) {
      signal.throwIfAborted();
      if (texts.includes('')) throw new EmbedderError('an empty text has no vector', { isUnavailable: false });
      const patience = { ...usualPatience[purpose], ...options.patience };
      const batches = batchesOf(texts, maxTexts);
      const vectors: Float32Array[] = [];
      // One that fails for good ends the others.
      const failed = new AbortController();
      const both = AbortSignal.any([signal, failed.signal]);
      const work = async (): Promise<void> => {
        for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
          const found = await embedBatch(batch.texts, patience, both);
          for (const [i, vector] of found.entries()) vectors[batch.from + i] = vector;
        }
      };
      try {
        await Promise.all(Array.from({ length: concurrency }, work));
      } catch (error) {
        failed.abort(error);
        throw error;
      }
      return vectors;
    },
  };
}
