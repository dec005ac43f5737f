import v8 from 'node:v8';
import vm from 'node:vm';

/**
 * Collects the garbage of this thread now, which takes some 50 ms a 100 MB of what lives. For the end of large work: a
 * thread that then has nothing to do keeps its garbage, and more large work would come on top of it.
 */
export function collectGarbage(): void {
  // Node names it at start only, by an option; a context that is made later has it by this flag.
  v8.setFlagsFromString('--expose-gc');
  (vm.runInNewContext('gc') as () => void)();
}
