import type { SerializedError } from '../../core/errors.ts';
import type { ReadyModel } from './types.ts';

/** One run of the model, at most: the process says which of the texts it did, the others come again. */
export interface EmbedJob {
  id: number;
  texts: string[];
}

export type ToProcess =
  | { kind: 'load'; model: ReadyModel }
  | ({ kind: 'embed' } & EmbedJob)
  /** End after what is running. */
  | { kind: 'stop' };

export type TextOutcome =
  | { kind: 'embedded'; vector: Float32Array; tokens: number; truncated: boolean }
  | { kind: 'failed'; reason: string }
  /** Not in this run: of another length than those that were, or `alone`, since the run with others failed. */
  | { kind: 'left'; tokens: number; alone: boolean };

/** Milliseconds. */
export interface RunTimes {
  /** Inside the model, on the clock. */
  modelMs: number;
  /** The same, of the processor. */
  modelCpuMs: number;
  /** All that the process has used of the processor since it was last told. */
  cpuMs: number;
}

export type FromProcess =
  /** `batches`: texts may share a run, see ModelSession. `cpuMs`: what loading has used of the processor. */
  | { kind: 'ready'; batches: boolean; cpuMs: number }
  /** The model cannot be used; the process ends. */
  | { kind: 'unusable'; error: SerializedError }
  /** The run begins with these texts of the job: if the process dies now, one of them is the reason. */
  | { kind: 'running'; id: number; indexes: number[] }
  /** `rssBytes`: memory that the process now has. */
  | { kind: 'done'; id: number; outcomes: TextOutcome[]; times: RunTimes; rssBytes: number };
