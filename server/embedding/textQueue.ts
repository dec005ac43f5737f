import { planRun } from './planRun.ts';
import { type Embedded, embedPriority, type EmbedPriority } from './types.ts';

/** A text that waits for its vector. */
export interface QueuedText {
  readonly text: string;
  readonly priority: EmbedPriority;
  /** Undefined until the tokenizer has seen it. */
  tokens: number | undefined;
  /** Not to share a run: a run that it was in has gone wrong. */
  alone: boolean;
  settle: (embedded: Embedded) => void;
  reject: (error: Error) => void;
}

export interface TextQueue {
  /** How many wait that may be taken; those in the background do not count while they are held back. */
  count(holdBackground: boolean): number;
  add(text: QueuedText): void;
  /** Before all others of its priority. */
  putBack(text: QueuedText): void;
  /** The texts of the next run, most urgent first; none if nothing may be taken. */
  take(how: { paused: boolean; batches: boolean }): QueuedText[];
  remove(which: (text: QueuedText) => boolean): QueuedText[];
  takeAll(): QueuedText[];
}

/** Of code and comments, measured; an estimate until the tokenizer has counted. */
const charactersPerToken = 3.2;
/** Company for a short text is looked for among so many. */
const windowSize = 48;

const lengthOf = ({ tokens, text }: QueuedText): number => tokens ?? Math.ceil(text.length / charactersPerToken) + 2;

export function createTextQueue(): TextQueue {
  const lines = new Map<EmbedPriority, QueuedText[]>(
    Object.values(embedPriority)
      .sort()
      .map((priority) => [priority, []]),
  );
  const lineOf = (priority: EmbedPriority): QueuedText[] => lines.get(priority)!;
  const open = (holdBackground: boolean): QueuedText[][] =>
    [...lines].filter(([priority]) => !holdBackground || priority !== embedPriority.background).map(([, line]) => line);

  return {
    count: (holdBackground) => open(holdBackground).reduce((total, line) => total + line.length, 0),
    add: (text) => void lineOf(text.priority).push(text),
    putBack: (text) => void lineOf(text.priority).unshift(text),
    take({ paused, batches }) {
      const line = open(paused).find(({ length }) => length > 0);
      if (line === undefined) return [];
      if (!batches || line[0]!.alone) return [line.shift()!];
      const window = line.slice(0, windowSize).filter(({ alone }) => !alone);
      const chosen = new Set(planRun(window.map(lengthOf)).map((index) => window[index]!));
      line.splice(0, windowSize, ...line.slice(0, windowSize).filter((text) => !chosen.has(text)));
      return [...chosen];
    },
    remove(which) {
      const removed: QueuedText[] = [];
      for (const [priority, line] of lines) {
        removed.push(...line.filter(which));
        lines.set(
          priority,
          line.filter((text) => !which(text)),
        );
      }
      return removed;
    },
    takeAll() {
      const all = [...lines.values()].flat();
      for (const priority of lines.keys()) lines.set(priority, []);
      return all;
    },
  };
}
