import v8 from 'node:v8';

/** How far a heap may outgrow what lives in it before it is cleaned up, in percent. */
const growingPercent = 40;
/** V8 complains on stderr about flags that it does not know: it is told only where this one was tried. */
const newestTried = 24;

/**
 * Where there is memory V8 lets a busy heap grow fourfold before it looks for garbage. With a heap for each thread that
 * takes hundreds of megabytes on a large repository, for a few percent of the time. Holds for every thread of this
 * process. Node offers no setting for it that is not an upper limit, too, at which a thread dies.
 */
export function growHeapsSlowly(): void {
  if (Number(process.versions.node.split('.')[0]) <= newestTried)
    v8.setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
}
