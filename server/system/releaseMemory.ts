import { MessageChannel } from 'node:worker_threads';

const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * Gives the memory of a large buffer back at once: the garbage collector comes for it only when memory grows short, and
 * in a thread that has nothing to do not at all. What is sent to a closed port is dropped where it is sent; nobody may
 * use the buffer any more, which is empty then.
 */
export function releaseMemory(buffer: ArrayBuffer): void {
  nowhere.postMessage(null, [buffer]);
}
