import type { Node } from 'web-tree-sitter';
import { plainType } from '../core/graph/typeText.ts';
import { baseName, returnedName, type FileLinks } from '../core/graph/types.ts';
import { maxSignature } from './languageTypes.ts';
import { parseImport } from './parseImports.ts';

/** Longer texts say nothing more: a receiver may be a whole chain of calls, a value a whole function. */
const maxReceiver = 120;
const maxValue = 160;
const maxImport = 10_000;
const maxName = 120;

/** The captures of one match, by name. */
export type Captures = ReadonlyMap<string, Node>;

const lineOf = (node: Node): number => node.startPosition.row + 1;

/** What a value says about its type: `new Foo()` → Foo, `Foo(…)` → `Foo()`, `&Foo{}` → Foo; '' if nothing. */
export function typeOfValue(text: string): string {
  const value = text
    .slice(0, maxValue)
    .replace(/^(?:await|yield|try|&|\*)\s*/, '')
    .trim();
  const constructed = /^new\s+([\w$.\\]+)/.exec(value);
  if (constructed !== null) return constructed[1]!;
  const called = /^([\w$]+(?:(?:\.|::|->)[\w$]+)*)\s*(?:::)?(?:<[^()]*>)?(?:\[[^()\]]*\])?\(/.exec(value);
  if (called !== null) return called[1] === 'require' ? '' : `${called[1]!}()`;
  const literal = /^([A-Za-z_][\w.:]*)\s*(?:<[^{]*>)?\{/.exec(value);
  if (literal !== null) return literal[1]!;
  const name = /^[\w$]+$/.exec(value);
  return name === null ? '' : `=${name[0]}`;
}

/** `this.#router` and `self._router` become one thing: a field by its name. */
const fieldName = (text: string): string => `this.${text.replace(/^[@$]+/, '')}`;

/** What stands before a name, its end if it is long: that is what the name belongs to. */
export const receiverOf = (text: string, start: number, end: number): string =>
  text
    .slice(Math.max(start, end - maxReceiver), end)
    .replace(/\s+/g, ' ')
    .trim();

/** Gathers what a file says about others, match by match of its language's query. */
export class LinkCollector {
  readonly #language: string;
  readonly #text: string;
  readonly #links: FileLinks = { roots: [], imports: [], calls: [], bindings: [] };
  /** Two patterns may find the same call, one of them without its receiver. */
  readonly #calls = new Map<number, { name: string; receiver: string; line: number }>();

  constructor(language: string, text: string) {
    this.#language = language;
    this.#text = text;
  }

  #slice(node: Node, most: number): string {
    return this.#text.slice(node.startIndex, Math.min(node.endIndex, node.startIndex + most));
  }

  add(captures: Captures): void {
    const call = captures.get('call');
    if (call !== undefined) return this.#addCall(call, captures.get('receiver'));
    const imported = captures.get('import');
    if (imported !== undefined) {
      const line = lineOf(imported);
      for (const each of parseImport(this.#language, this.#slice(imported, maxImport)))
        this.#links.imports.push({ ...each, line });
      return;
    }
    this.#addBinding(captures);
  }

  #addCall(node: Node, receiver: Node | undefined): void {
    const name = this.#slice(node, maxName);
    const before = receiver === undefined ? '' : receiverOf(this.#text, receiver.startIndex, receiver.endIndex);
    const known = this.#calls.get(node.startIndex);
    if (known !== undefined && known.receiver !== '') return;
    this.#calls.set(node.startIndex, { name, receiver: before, line: lineOf(node) });
  }

  /** A written return type stands in the signature already, unless the signature is cut before it. */
  #says(returned: Node): boolean {
    const { parent } = returned;
    return (
      returned.type === 'return_statement' || parent === null || returned.endIndex - parent.startIndex > maxSignature
    );
  }

  #addBinding(captures: Captures): void {
    const variable = captures.get('bind');
    const field = captures.get('field');
    const returned = captures.get('returned');
    const base = captures.get('base');
    const target = variable ?? field ?? returned ?? base;
    if (target === undefined || (returned !== undefined && !this.#says(returned))) return;
    const bound = captures.get('bound') ?? base;
    const value = captures.get('value');
    const type =
      bound !== undefined
        ? plainType(this.#slice(bound, maxValue))
        : value !== undefined
          ? typeOfValue(this.#slice(value, maxValue))
          : '';
    if (type === '' || type === '=') return;
    const written = this.#slice(target, maxName);
    this.#links.bindings.push({
      name:
        variable !== undefined
          ? written
          : field !== undefined
            ? fieldName(written)
            : base !== undefined
              ? baseName
              : returnedName,
      type,
      line: lineOf(target),
    });
  }

  /** `definedAt` are the offsets of defined names: where a definition looks like a call it is none. */
  finish(definedAt: Iterable<number>): FileLinks {
    for (const offset of definedAt) this.#calls.delete(offset);
    return { ...this.#links, calls: [...this.#calls.values()] };
  }
}
