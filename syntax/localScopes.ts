import { callbackType } from '../core/graph/types.ts';

/** A function or block that names are known in, by offsets. */
interface Scope {
  start: number;
  end: number;
  /** Its last line. */
  until: number;
}

/** A function that is given to a call. */
interface Callback {
  callee: string;
  argument: number;
}

/** What a parameter or variable is known in; `start` names the function where it is a parameter. */
export type LocalScope = Pick<Scope, 'start' | 'until'>;

/**
 * The functions and blocks of a file, to find the innermost around a place. They are gathered from matches of the query:
 * a parser that is asked for the parent of a node walks down from the root, past all that stands before it in lists.
 */
export class LocalScopes {
  readonly #scopes: Scope[] = [];
  /** By where they begin. */
  readonly #callbacks = new Map<number, Callback>();

  add(scope: Scope): void {
    this.#scopes.push(scope);
  }

  addCallback(start: number, callback: Callback): void {
    this.#callbacks.set(start, callback);
  }

  /** The innermost scope around each of these offsets, which come sorted; null for one at the top of the file. */
  around(offsets: readonly number[]): (LocalScope | null)[] {
    const scopes = this.#scopes.sort((a, b) => a.start - b.start || b.end - a.end);
    const open: Scope[] = [];
    let next = 0;
    return offsets.map((offset) => {
      for (; next < scopes.length && scopes[next]!.start <= offset; next++) {
        while (open.length > 0 && open.at(-1)!.end <= scopes[next]!.start) open.pop();
        open.push(scopes[next]!);
      }
      while (open.length > 0 && open.at(-1)!.end <= offset) open.pop();
      return open.at(-1) ?? null;
    });
  }

  /** The type of a parameter by what its function is given to; '' where that is no call, or it is no plain parameter. */
  callbackTypeOf(text: string, offset: number, { start }: LocalScope): string {
    const callback = this.#callbacks.get(start);
    if (callback === undefined || offset - start > mostParameters) return '';
    const parameter = parameterAt(text.slice(start, offset));
    return parameter < 0 ? '' : callbackType({ ...callback, parameter });
  }
}

/** So much text is looked through for the place of a parameter. */
const mostParameters = 500;

/** How many parameters begin a function's text, up to the next one: `async (a, ` → 1; -1 for what is in no list of them. */
function parameterAt(text: string): number {
  const head = /^(?:async\s*)?(?:function\s*\*?\s*[\w$]*\s*)?(?:<[^()]*>)?\s*(\(?)/.exec(text)!;
  // `a => …`
  if (head[1] === '') return head[0].length === text.length ? 0 : -1;
  let depth = 0;
  let count = 0;
  for (let i = head[0].length; i < text.length; i++) {
    if ('([{<'.includes(text[i]!)) depth++;
    else if (')]}'.includes(text[i]!) || (text[i] === '>' && text[i - 1] !== '=')) depth--;
    else if (text[i] === ',' && depth === 0) count++;
    if (depth < 0) return -1;
  }
  return depth === 0 ? count : -1;
}
