import { createHash } from 'node:crypto';
import type { ChildDeath, RunReport } from './embedChild.ts';
import type { RunTimes } from './embedProtocol.ts';
import type { QueuedText, TextQueue } from './textQueue.ts';
import type { Embedded } from './types.ts';

export interface TextOutcomesOptions {
  queue: TextQueue;
  log: (event: string, fields: Record<string, unknown>) => void;
  /** Hears of every run. */
  onRun: ((run: RunTimes & { texts: number; tokens: number }) => void) | undefined;
}

/** What becomes of texts after a run, or after the end of a process in the middle of one. */
export interface TextOutcomes {
  /** A run is done: its texts have their vectors, and those that it left go back into the queue. */
  settle(texts: readonly QueuedText[], report: RunReport): void;
  /** What ran when a process died is tried once more, each alone; the second time it is given up. Others go on. */
  blame(job: NonNullable<ChildDeath['job']>, cause: string): void;
  /** How often processes died on it. */
  crashesOf(text: string): number;
}

/** How often a text may take its process down. */
export const maxCrashes = 2;
export const quarantined: Embedded = { failure: 'the embedding process died on it twice' };

/** Texts that processes died on, by digest. */
function createBlacklist() {
  const crashes = new Map<string, number>();
  const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64');
  return {
    count: (text: string): number => (crashes.size === 0 ? 0 : (crashes.get(digestOf(text)) ?? 0)),
    add(text: string): number {
      const digest = digestOf(text);
      const count = (crashes.get(digest) ?? 0) + 1;
      crashes.set(digest, count);
      return count;
    },
  };
}

export function createTextOutcomes({ queue, log, onRun }: TextOutcomesOptions): TextOutcomes {
  const blacklist = createBlacklist();
  return {
    crashesOf: (text) => blacklist.count(text),

    settle(texts, { outcomes, times }) {
      let [count, tokens] = [0, 0];
      for (const [position, text] of [...texts.entries()].reverse()) {
        const outcome = outcomes[position]!;
        switch (outcome.kind) {
          case 'left':
            text.tokens = outcome.tokens;
            text.alone ||= outcome.alone;
            queue.putBack(text);
            break;
          case 'failed':
            text.settle({ failure: outcome.reason });
            break;
          case 'embedded':
            count++;
            tokens += outcome.tokens;
            text.settle({ vector: outcome.vector, tokens: outcome.tokens, truncated: outcome.truncated });
        }
      }
      if (count > 0) onRun?.({ texts: count, tokens, ...times });
    },

    blame({ texts, running }, cause) {
      for (const [position, text] of [...texts.entries()].reverse()) {
        if (running.includes(position)) {
          text.alone = true;
          if (blacklist.add(text.text) >= maxCrashes) {
            log('text quarantined', { cause, characters: text.text.length });
            text.settle(quarantined);
            continue;
          }
        }
        queue.putBack(text);
      }
    },
  };
}
