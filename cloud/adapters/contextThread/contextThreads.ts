import type { Answered, ContextEngine } from '../../domain/context/contextEngine.ts';
import type { Revision } from '../../domain/context/contextPorts.ts';
import type { OrgId } from '../../ports/organization.ts';
import { contextThread, type ContextThreadOptions } from './contextThread.ts';

export interface ContextThreadsOptions extends ContextThreadOptions {
  /** Each starts when it is first needed; memory is shared out among them. */
  threads: number;
}

/** With so many questions at each thread that has a project open, another one opens it, too. */
const patience = 4;

interface Thread {
  engine: ContextEngine;
  /** Questions that it is at. */
  running: number;
  /** Projects it has answered questions about. */
  known: Set<string>;
}

const leastBusy = (threads: readonly Thread[]): Thread =>
  threads.reduce((least, each) => (each.running < least.running ? each : least));

/**
 * Several engines, each in a thread. A project is open in one of them, as long as that keeps up with its questions; then
 * in others as well, which are given questions once they have opened it.
 */
export function contextThreads({ threads, maxBytes, maxTextBytes, ...options }: ContextThreadsOptions): ContextEngine {
  const share = { maxBytes: maxBytes / threads, maxTextBytes: maxTextBytes / threads };
  const all = Array.from({ length: threads }, (): Thread => {
    return { engine: contextThread({ ...options, ...share }), running: 0, known: new Set() };
  });
  /** Projects that a further thread is opening. */
  const opening = new Set<string>();

  function help(org: OrgId, revision: Revision, key: string): void {
    const idle = all.filter(({ known }) => !known.has(key));
    if (idle.length === 0 || opening.has(key)) return;
    const helper = leastBusy(idle);
    opening.add(key);
    helper.engine
      .open(org, revision)
      .then(() => helper.known.add(key))
      // It is no loss to a question: those that are asked say what is wrong.
      .catch((error: unknown) => options.log('warn', 'context.not_opened', { message: (error as Error).message }))
      .finally(() => opening.delete(key));
  }

  async function ask<T>(
    org: OrgId,
    revision: Revision,
    question: (engine: ContextEngine) => Promise<Answered<T>>,
  ): Promise<Answered<T>> {
    const key = `${org}/${revision.projectId}`;
    const knowing = all.filter(({ known }) => known.has(key));
    const chosen = leastBusy(knowing.length > 0 ? knowing : all);
    chosen.known.add(key);
    if (chosen.running >= patience) help(org, revision, key);
    chosen.running++;
    try {
      return await question(chosen.engine);
    } finally {
      chosen.running--;
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
