import type { Answered, ContextEngine } from '../../domain/context/contextEngine.ts';
import type { Revision } from '../../domain/context/contextPorts.ts';
import type { OrgId } from '../../ports/organization.ts';
import { contextThread, type ContextThreadOptions } from './contextThread.ts';

export interface ContextThreadsOptions extends ContextThreadOptions {
  /** Each starts when it is first needed; memory is shared out among them. */
  threads: number;
}

/** A thread that is at so many questions is busy: another one opens the project, too. */
const patience = 4;
/**
 * A thread is at so many questions about one project at a time; the others wait outside, in the order in which they
 * came. A thread lets those that it is at have turns: among many, each would take as long as all of them, and what
 * waits inside cannot go to a thread that is free meanwhile. One alone would leave it idle while texts are read.
 */
const mostAtOnce = 3;

interface Thread {
  engine: ContextEngine;
  /** Questions that it is at, of all projects and of each. */
  running: number;
  runningOf: Map<string, number>;
  /** Projects it has answered questions about. */
  known: Set<string>;
}

const leastBusy = (threads: readonly Thread[]): Thread | undefined =>
  threads.reduce<Thread | undefined>(
    (least, each) => (least === undefined || each.running < least.running ? each : least),
    undefined,
  );

/**
 * Several engines, each in a thread. A project is open in one of them, as long as that keeps up with its questions; then
 * in others as well, which are given questions once they have opened it.
 */
export function contextThreads({ threads, maxBytes, maxTextBytes, ...options }: ContextThreadsOptions): ContextEngine {
  const share = { maxBytes: maxBytes / threads, maxTextBytes: maxTextBytes / threads };
  const all = Array.from({ length: threads }, (): Thread => {
    return {
      engine: contextThread({ ...options, ...share }),
      running: 0,
      runningOf: new Map(),
      known: new Set(),
    };
  });
  /** Projects that a further thread is opening. */
  const opening = new Set<string>();
  /** By project, who waits for a thread, first come first. */
  const waiting = new Map<string, ((thread: Thread) => void)[]>();

  function help(org: OrgId, revision: Revision, key: string): void {
    const helper = leastBusy(all.filter(({ known }) => !known.has(key)));
    if (helper === undefined || opening.has(key)) return;
    opening.add(key);
    helper.engine
      .open(org, revision)
      .then(() => {
        helper.known.add(key);
        letIn(key);
      })
      // It is no loss to a question: those that are asked say what is wrong.
      .catch((error: unknown) => options.log('warn', 'context.not_opened', { message: (error as Error).message }))
      .finally(() => opening.delete(key));
  }

  /** Begins with a question at the thread that has least to do, of those that have room for it. */
  function begin(key: string): Thread | undefined {
    const knowing = all.filter(({ known }) => known.has(key));
    const fit = (knowing.length > 0 ? knowing : all).filter(({ runningOf }) => (runningOf.get(key) ?? 0) < mostAtOnce);
    const thread = leastBusy(fit);
    if (thread === undefined) return undefined;
    thread.known.add(key);
    thread.running++;
    thread.runningOf.set(key, (thread.runningOf.get(key) ?? 0) + 1);
    return thread;
  }

  function end(thread: Thread, key: string): void {
    thread.running--;
    const left = thread.runningOf.get(key)! - 1;
    if (left > 0) thread.runningOf.set(key, left);
    else thread.runningOf.delete(key);
    letIn(key);
  }

  function letIn(key: string): void {
    const queue = waiting.get(key) ?? [];
    while (queue.length > 0) {
      const thread = begin(key);
      if (thread === undefined) return;
      queue.shift()!(thread);
    }
    waiting.delete(key);
  }

  function wait(key: string): Promise<Thread> {
    return new Promise((resolve) => {
      const queue = waiting.get(key);
      if (queue === undefined) waiting.set(key, [resolve]);
      else queue.push(resolve);
    });
  }

  async function ask<T>(
    org: OrgId,
    revision: Revision,
    question: (engine: ContextEngine) => Promise<Answered<T>>,
  ): Promise<Answered<T>> {
    const key = `${org}/${revision.projectId}`;
    const free = waiting.has(key) ? undefined : begin(key);
    if (free === undefined || free.running > patience) help(org, revision, key);
    const thread = free ?? (await wait(key));
    try {
      return await question(thread.engine);
    } finally {
      end(thread, key);
    }
  }

  return {
    select: (org, revision, wishes) => ask(org, revision, (engine) => engine.select(org, revision, wishes)),
    symbols: (org, revision, query) => ask(org, revision, (engine) => engine.symbols(org, revision, query)),
    graph: (org, revision, query) => ask(org, revision, (engine) => engine.graph(org, revision, query)),
    open: async (org, revision) => {
      await ask(org, revision, async (engine) => ({ revision, answer: await engine.open(org, revision) }));
    },
    forget: async (org, projectId) => {
      for (const { known } of all)
        for (const key of known) if (key === `${org}/${projectId ?? key.slice(org.length + 1)}`) known.delete(key);
      await Promise.all(all.map(({ engine }) => engine.forget(org, projectId)));
    },
    close: async () => {
      await Promise.all(all.map(({ engine }) => engine.close()));
    },
  };
}
