import { setTimeout as sleep } from 'node:timers/promises';

/** How often a server is asked, and how long it is waited for; in milliseconds. */
export interface Patience {
  attempts: number;
  /** Until the head of the answer is there, and again from one piece of it to the next. */
  timeoutMs: number;
  /** Who was waited for to the end so often is not asked again: somebody waits for us, too. */
  silences: number;
  /** Before the second attempt; twice as long before each further one. Half of it is by chance. */
  firstDelayMs: number;
  /** A server that wants to be left alone for longer is not asked again. */
  mostDelayMs: number;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

export interface Question {
  /** Made anew for each attempt: a signature has a time. */
  request: () => Request | Promise<Request>;
  patience: Patience;
  /** An answer with more is broken off. */
  maxBytes: number;
  signal?: AbortSignal;
  /** Whether this answer may be another one next time; default: too many requests, and faults of the server. */
  isPassing?: (answer: Answer) => boolean;
}

/** There was no answer, or none that could be read to its end. */
export class NoAnswer extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'NoAnswer';
  }
}

class Silence extends NoAnswer {}

export const isPassingStatus = (status: number): boolean => status === 429 || status >= 500;

/** What a server asks to wait; undefined where it says nothing, or nothing that can be understood. */
export function retryAfterMs(headers: Headers): number | undefined {
  const inMs = Number(headers.get('retry-after-ms') ?? NaN);
  if (Number.isFinite(inMs) && inMs >= 0) return inMs;
  const text = headers.get('retry-after') ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** Ends a request that goes on without a sign of life, or that the caller gives up. */
function createWatch(timeoutMs: number, signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const giveUp = (): void => controller.abort(new Silence(`no answer within ${timeoutMs} ms`));
  const onAbort = (): void => controller.abort(signal?.reason);
  let timer = setTimeout(giveUp, timeoutMs);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    renew: (): void => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, timeoutMs);
    },
    end: (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

async function readBody(response: Response, maxBytes: number, onPiece: () => void): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  if (response.body === null) return new Uint8Array();
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    onPiece();
    bytes += piece.byteLength;
    // Leaving the loop gives the rest of the answer up.
    if (bytes > maxBytes) throw new NoAnswer(`the answer has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
}

async function askOnce({ request, patience, maxBytes, signal }: Question): Promise<Answer> {
  const watch = createWatch(patience.timeoutMs, signal);
  try {
    const response = await fetch(await request(), { signal: watch.signal, redirect: 'manual' });
    watch.renew();
    const body = await readBody(response, maxBytes, watch.renew);
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (error instanceof NoAnswer) throw error;
    // What fetch throws says little; its cause is the fault of the network.
    if (error instanceof TypeError) throw new NoAnswer('the connection failed', error.cause ?? error);
    throw error;
  } finally {
    watch.end();
  }
}

/** Waits before the next attempt. @returns false where that would be too long. */
async function waitFor(attempt: number, asked: number | undefined, question: Question): Promise<boolean> {
  const { patience, signal } = question;
  const { firstDelayMs, mostDelayMs } = patience;
  if (asked !== undefined && asked > mostDelayMs) return false;
  const backOff = Math.min(firstDelayMs * 2 ** (attempt - 1), mostDelayMs) * (0.5 + Math.random() / 2);
  try {
    await sleep(Math.max(backOff, asked ?? 0), undefined, signal === undefined ? undefined : { signal });
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error;
  }
  return true;
}

/**
 * Asks until there is an answer that will not pass: the answer of the last attempt, whatever it is.
 * @throws {NoAnswer} when the last attempt had none; the reason of `signal` when that is given.
 */
export async function askPatiently(question: Question): Promise<Answer> {
  const { patience, isPassing = ({ status }) => isPassingStatus(status) } = question;
  let silences = 0;
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= patience.attempts;
    try {
      const answer = await askOnce(question);
      if (isLast || !isPassing(answer)) return answer;
      if (!(await waitFor(attempt, retryAfterMs(answer.headers), question))) return answer;
    } catch (error) {
      if (error instanceof Silence) silences++;
      if (isLast || silences >= patience.silences || !(error instanceof NoAnswer)) throw error;
      await waitFor(attempt, undefined, question);
    }
  }
}
