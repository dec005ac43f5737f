import { isAppError } from '../../core/errors.ts';
import { pathsBetween, readCheckout, type Checkout } from '../history/checkout.ts';

/** Knows what was checked out when the folder was last looked at as a whole, and what has been touched since. */
export interface CheckoutKeeper {
  /** A whole run begins: what is checked out is read beside it. The answer is called when the run is done. */
  look(): () => Promise<void>;
  /** These paths were indexed since. */
  touched(paths: readonly string[]): void;
  /**
   * All paths that may differ from the index after another commit was checked out: what differs between the commits,
   * and what is or was not as its commit has it. Null when a look at the whole folder is needed to know. `done` is
   * called when they are indexed.
   */
  moved(signal: AbortSignal | undefined): Promise<{ paths: string[]; done: () => void } | null>;
}

/** Above so many paths a look at the whole folder is as good. */
const mostPaths = 5_000;
/** Say how git turns contents into files: what they change, no difference of trees shows. */
const conversionFiles = /(^|\/)\.gitattributes$/;

export function createCheckoutKeeper({
  root,
  log,
}: {
  root: string;
  log: (event: string, fields: Record<string, unknown>) => void;
}): CheckoutKeeper {
  let mark: Checkout | null = null;
  let since = new Set<string>();

  /** Git that fails is no obstacle: then all stamps are compared. */
  async function ask<T>(question: () => Promise<T | null>): Promise<T | null> {
    try {
      return await question();
    } catch (error) {
      if (!isAppError(error)) throw error;
      log('checkout not read', { message: error.message });
      return null;
    }
  }

  return {
    look() {
      mark = null;
      since = new Set();
      const reading = ask(() => readCheckout(root));
      return async () => {
        mark = await reading;
      };
    },
    touched(paths) {
      for (const path of paths) since.add(path);
    },
    async moved(signal) {
      const before = mark;
      if (before === null || since.size > mostPaths) return null;
      const now = await ask(() => readCheckout(root, signal));
      if (now === null || now.prefix !== before.prefix) return null;
      const between = await ask(() => pathsBetween(root, now.prefix, [before.head, now.head], signal));
      if (between === null || between.some((path) => conversionFiles.test(path))) return null;
      const paths = new Set([...between, ...before.changed, ...now.changed, ...since]);
      if (paths.size > mostPaths) return null;
      // Until they are indexed nothing is sure; what is touched meanwhile counts from now on.
      mark = null;
      since = new Set();
      return { paths: [...paths], done: () => void (mark = now) };
    },
  };
}
