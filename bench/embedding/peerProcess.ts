/** transformers.js in a process of its own, as its documentation has it: a pipeline, texts in batches. */
import { env, pipeline } from '@xenova/transformers';
import path from 'node:path';

export interface PeerTask {
  texts: string[];
  batch: number;
}

export interface PeerAnswer {
  /** Processor time of the whole process for the task. */
  cpuMs: number;
  wallMs: number;
}

const dir = process.argv[2]!;
env.allowRemoteModels = false;
env.localModelPath = `${path.dirname(dir)}/`;
const extract = await pipeline('feature-extraction', path.basename(dir), { quantized: true });

async function run({ texts, batch }: PeerTask): Promise<PeerAnswer> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  for (let at = 0; at < texts.length; at += batch)
    await extract(texts.slice(at, at + batch), { pooling: 'mean', normalize: true });
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - started };
}

process.on('message', (task: PeerTask) => {
  void run(task).then((answer) => process.send!(answer));
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
