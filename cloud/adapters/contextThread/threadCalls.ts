import type { MessagePort, Transferable, Worker } from 'node:worker_threads';
import { ApiError, type ApiErrorCode } from '../../domain/apiError.ts';

/** Calls between two threads, in both directions: each side has functions by name that the other one calls. */
export type Handlers = Record<string, (...args: never[]) => Promise<unknown>>;

interface SentError {
  name: string;
  message: string;
  stack: string | undefined;
  /** A planned refusal. */
  api?: { code: ApiErrorCode; hint: string | undefined; retryAfterMs: number | undefined };
  /** Number of an error that the other side had sent: it gets its own back, whatever its class. */
  returned?: number;
  /** Number under which this side keeps it. */
  kept?: number;
}

type Message =
  | { kind: 'call'; id: number; name: string; args: unknown[] }
  | { kind: 'value'; id: number; value: unknown }
  | { kind: 'error'; id: number; error: SentError };

/** A value that goes over with these buffers instead of a copy of them. */
export class Handover<T> {
  constructor(
    readonly value: T,
    readonly buffers: readonly Transferable[],
  ) {}
}

/** An error of the other side, as far as it can be sent. */
class SentBack extends Error {
  constructor(
    message: string,
    readonly kept: number | undefined,
  ) {
    super(message);
  }
}

/** So many errors are kept for when they come back; mostly they do at once. */
const mostKept = 1_000;

export interface ThreadCalls {
  call<T>(name: string, ...args: unknown[]): Promise<T>;
  /** Rejects whatever has no answer yet. */
  fail(error: Error): void;
}

/** Joins a thread's port with what it answers. */
export function threadCalls(port: MessagePort | Worker, handlers: Handlers): ThreadCalls {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  const errors = new Map<number, Error>();
  let nextId = 0;
  let nextError = 0;

  const post = (message: Message, buffers: readonly Transferable[] = []): void =>
    port.postMessage(message, buffers as Transferable[]);

  function pack(thrown: unknown): SentError {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { name, message, stack } = error;
    if (error instanceof SentBack && error.kept !== undefined) return { name, message, stack, returned: error.kept };
    if (error instanceof ApiError) {
      const { code, hint, retryAfterMs } = error;
      return { name, message, stack, api: { code, hint, retryAfterMs } };
    }
    const kept = nextError++;
    errors.set(kept, error);
    if (errors.size > mostKept) errors.delete(errors.keys().next().value!);
    return { name, message, stack, kept };
  }

  function unpack({ name, message, stack, api, returned, kept }: SentError): Error {
    const mine = returned === undefined ? undefined : errors.get(returned);
    if (mine !== undefined) {
      errors.delete(returned!);
      return mine;
    }
    if (api !== undefined) {
      const { code, hint, retryAfterMs } = api;
      return new ApiError(code, message, {
        ...(hint === undefined ? {} : { hint }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    }
    const error = new SentBack(message, kept);
    error.name = name;
    if (stack !== undefined) error.stack = stack;
    return error;
  }

  async function answer({ id, name, args }: Extract<Message, { kind: 'call' }>): Promise<void> {
    try {
      const value = await (handlers[name] as (...given: unknown[]) => Promise<unknown>)(...args);
      if (value instanceof Handover) post({ kind: 'value', id, value: value.value as unknown }, value.buffers);
      else post({ kind: 'value', id, value });
    } catch (error) {
      post({ kind: 'error', id, error: pack(error) });
    }
  }

  port.on('message', (message: Message) => {
    if (message.kind === 'call') {
      void answer(message);
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === 'value') call?.resolve(message.value as never);
    else call?.reject(unpack(message.error));
  });

  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        post({ kind: 'call', id, name, args });
      }),
    fail(error) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}
