/**
 * Counts tokens of the o200k encoding in a thread of its own: loading its table takes a while, and one long run of
 * equal characters takes the encoder quadratic time; neither may hold up a host's main loop.
 */
import { parentPort } from 'node:worker_threads';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

if (parentPort === null) throw new Error('tokenWorker runs as a worker thread only');
const port = parentPort;

/** Text such as `<|endoftext|>` in a source file is text, not a control token. */
const asText = { disallowedSpecial: new Set<string>() };

port.on('message', ({ id, texts }: { id: number; texts: string[] }) => {
  try {
    port.postMessage({ id, counts: texts.map((text) => countTokens(text, asText)) });
  } catch (error) {
    port.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
