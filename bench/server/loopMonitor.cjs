/**
 * Loaded into the language server by `node --require` (with `--import` Node would read the server's bundle by another
 * loader than in an editor, which takes 100 ms longer): measures how long its main loop is blocked. A tick of its own
 * says when it comes late; what the thread worked and what it waited for a core meanwhile (Linux tells both) parts a
 * loop that is busy from a machine that is. Written to the file of CONTEXTKIT_LOOP_FILE each second and at the end.
 */
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { isMainThread } = require('node:worker_threads');

const file = process.env['CONTEXTKIT_LOOP_FILE'];
const tickMs = 5;

/** Milliseconds that the main thread has run, and that it was ready to run and had no core. */
function threadTimes() {
  const [ran, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ').map(Number);
  return { ran: ran / 1e6, waited: waited / 1e6 };
}

/** Null where the system does not tell. */
function readThreadTimes() {
  try {
    return threadTimes();
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function start() {
  const delay = monitorEventLoopDelay({ resolution: tickMs });
  delay.enable();
  /** The longest blocks, longest first. */
  const blocks = [];
  const started = performance.now();
  let before = { at: started, times: readThreadTimes() };
  const write = () =>
    writeFileSync(
      file,
      JSON.stringify({
        blocks,
        maxDelayMs: delay.max / 1e6,
        p99DelayMs: delay.percentile(99) / 1e6,
        forMs: performance.now() - started,
      }),
    );
  setInterval(() => {
    const now = { at: performance.now(), times: readThreadTimes() };
    const lateMs = now.at - before.at - tickMs;
    if (lateMs > 10) {
      const ranMs = now.times === null || before.times === null ? null : now.times.ran - before.times.ran;
      const waitedMs = now.times === null || before.times === null ? null : now.times.waited - before.times.waited;
      blocks.push({ atMs: before.at - started, lateMs, ranMs, waitedMs });
      blocks.sort((a, b) => (b.ranMs ?? b.lateMs) - (a.ranMs ?? a.lateMs));
      blocks.length = Math.min(blocks.length, 40);
    }
    before = now;
  }, tickMs).unref();
  setInterval(write, 1_000).unref();
  process.on('exit', write);
}

if (isMainThread && file !== undefined && process.argv[1]?.endsWith('server.cjs') === true) start();
