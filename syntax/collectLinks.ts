import type { Node } from 'web-tree-sitter';
import { afterBracket, plainType } from '../core/graph/typeText.ts';
import {
  baseName,
  calledField,
  returnedName,
  typeParameter,
  type Binding,
  type FileLinks,
} from '../core/graph/types.ts';
import { maxSignature } from './languageTypes.ts';
import { LocalScopes } from './localScopes.ts';
import { parseImport } from './parseImports.ts';

/** Longer texts say nothing more: a receiver may be a whole chain of calls, a value a whole function. */
const maxReceiver = 120;
const maxValue = 160;
/** A chain of calls is read to its end, if that is not far. */
const maxChain = 2_000;
const mostCalls = 20;
const maxImport = 10_000;
const maxName = 120;

/** The captures of one match, by name. */
export type Captures = ReadonlyMap<string, Node>;

const lineOf = (node: Node): number => node.startPosition.row + 1;

/**
 * What a value says about its type: `new Foo()` → Foo, `foo(…).bar(…)` → `foo().bar()`, `&Foo{}` → Foo, `foo.bar` → `=foo.bar`;
 * '' if nothing.
 */
export function typeOfValue(text: string): string {
  const value = text
    .slice(0, maxChain)
    .replace(/^(?:await|yield|try|&|\*)\s*/, '')
    .trim();
  const constructed = /^new\s+([\w$.\\]+)/.exec(value);
  if (constructed !== null) {
    const { calls, rest } = callsAfter(value.slice(constructed[0].length));
    // `new Foo` without arguments, and what is no chain: the type that is made is all that is said.
    return calls.length <= 1 || rest !== '' ? constructed[1]! : `new ${constructed[1]!}${calls.join('')}`;
  }
  const called = /^([\w$]+(?:(?:\.|::|->)[\w$]+)*)\s*(?:::)?(?:<[^()]*>)?(?:\[[^()\]]*\])?(?=\()/.exec(value);
  if (called !== null) {
    if (called[1] === 'require') return '';
    const { calls, rest } = callsAfter(value.slice(called[0].length));
    return rest === '' ? `${called[1]!}${calls.join('')}` : `${called[1]!}()`;
  }
  const literal = /^([A-Za-z_][\w.:]*)\s*(?:<[^{]*>)?\{/.exec(value);
  if (literal !== null) return literal[1]!;
  const name = /^[\w$]+(?:\??\.#?[\w$]+)*$/.exec(value);
  return name === null ? '' : `=${name[0].replaceAll('?.', '.')}`;
}

/** `(a).b.c<T>(d)` → `()`, `.b.c()`; `rest` is what follows that is neither a call nor a member. */
function callsAfter(text: string): { calls: string[]; rest: string } {
  const calls: string[] = [];
  let rest = text.replace(/^<[^()]*>(?=\()/, '');
  while (rest.startsWith('(')) {
    const end = afterBracket(rest, 0);
    calls.push('()');
    rest = rest.slice(end).replace(/^[!?\s]+(?=\.)/, '');
    const member = /^((?:\s*\.\s*#?[\w$]+)+)(?:<[^()]*>)?(?=\()/.exec(rest);
    if (member === null) break;
    rest = rest.slice(member[0].length);
    if (calls.length === mostCalls) break;
    calls.push(member[1]!.replace(/\s+/g, ''));
  }
  return { calls, rest: rest.trim() };
}

/** Captures that name what is bound. */
const bindingKinds = ['bind', 'field', 'callable', 'parameter', 'returned', 'base'];

/** Captures of functions that are given to a call, by which argument they are. */
const callbackCaptures = ['first', 'second'];

/** What these return is in no signature. */
const isOnlySaidThere = new Set(['return_statement', 'call_signature', 'type_alias_declaration']);

/** `this.#router` and `self._router` become one thing: a field by its name. */
const fieldName = (text: string): string => `this.${text.replace(/^[@$]+/, '')}`;

const folded = (text: string): string => text.replace(/\s+/g, ' ').trim();

/**
 * What stands before a name, white space taken out. Of a long text what stands in the brackets of calls is left out,
 * and of one that is still long all but its end: that is what the name belongs to.
 */
export function receiverOf(text: string, start: number, end: number): string {
  if (end - start > maxReceiver && end - start <= maxChain) {
    const chain = folded(withoutArguments(text.slice(start, end)));
    if (chain.length <= maxReceiver) return chain;
  }
  return folded(text.slice(Math.max(start, end - maxReceiver), end));
}

/** `get("/", { a: 1 }).run()` → `get().run()`; unchanged where a bracket is never closed. */
function withoutArguments(text: string): string {
  let plain = '';
  let from = 0;
  for (let open = text.indexOf('('); open >= 0; open = text.indexOf('(', from)) {
    const end = afterBracket(text, open);
    if (text[end - 1] !== ')') return text;
    plain += `${text.slice(from, open)}()`;
    from = end;
  }
  return plain + text.slice(from);
}

/** Gathers what a file says about others, match by match of its language's query. */
export class LinkCollector {
  readonly #language: string;
  readonly #text: string;
  readonly #links: FileLinks = { roots: [], imports: [], calls: [], bindings: [] };
  /** By where their names stand. */
  readonly #bindings = new Map<number, Binding>();
  readonly #locals = new Map<number, Node>();
  readonly #scopes = new LocalScopes();
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
    const local = captures.get('local');
    const within = captures.get('within');
    const callee = captures.get('callee');
    if (local !== undefined) this.#locals.set(local.startIndex, local);
    else if (within !== undefined)
      this.#scopes.add({ start: within.startIndex, end: within.endIndex, until: within.endPosition.row + 1 });
    else if (callee !== undefined) this.#addCallback(callee, captures);
    else this.#addBinding(captures);
  }

  #addCall(node: Node, receiver: Node | undefined): void {
    const name = this.#slice(node, maxName);
    const before = receiver === undefined ? '' : receiverOf(this.#text, receiver.startIndex, receiver.endIndex);
    const known = this.#calls.get(node.startIndex);
    if (known !== undefined && known.receiver !== '') return;
    this.#calls.set(node.startIndex, { name, receiver: before, line: lineOf(node) });
  }

  #addCallback(callee: Node, captures: Captures): void {
    for (const [argument, name] of callbackCaptures.entries()) {
      const callback = captures.get(name);
      if (callback === undefined) continue;
      const called = receiverOf(this.#text, callee.startIndex, callee.endIndex);
      this.#scopes.addCallback(callback.startIndex, { callee: called, argument });
    }
  }

  /** A written return type of a function stands in its signature already, unless that is cut before it. */
  #says(returned: Node): boolean {
    if (isOnlySaidThere.has(returned.type)) return true;
    const { parent } = returned;
    return parent === null || returned.endIndex - parent.startIndex > maxSignature;
  }

  #addBinding(captures: Captures): void {
    const target = bindingKinds.map((kind) => captures.get(kind)).find((each) => each !== undefined);
    const returned = captures.get('returned');
    if (target === undefined || (returned !== undefined && !this.#says(returned))) return;
    const bound = captures.get('bound') ?? captures.get('base');
    const value = captures.get('value');
    const type =
      bound !== undefined
        ? plainType(this.#slice(bound, maxValue))
        : value !== undefined
          ? typeOfValue(this.#slice(value, maxChain))
          : '';
    if (type === '' || type === '=') return;
    // `const a: A = make()` is found twice: what is written counts.
    const known = captures.has('bind') ? this.#bindings.get(target.startIndex) : undefined;
    if (known !== undefined) {
      if (bound !== undefined) known.type = type;
      return;
    }
    const binding = { name: this.#bindingName(captures, target), type, line: lineOf(target) };
    this.#links.bindings.push(binding);
    if (captures.has('bind')) this.#bindings.set(target.startIndex, binding);
  }

  #bindingName(captures: Captures, target: Node): string {
    if (captures.has('bind')) return this.#slice(target, maxName);
    if (captures.has('field')) return fieldName(this.#slice(target, maxName));
    if (captures.has('callable')) return calledField(fieldName(this.#slice(target, maxName)));
    if (captures.has('parameter')) return typeParameter(this.#slice(target, maxName));
    return captures.has('returned') ? returnedName : baseName;
  }

  /**
   * Says how far parameters and variables reach that have the name of something else (of an import, a definition, or
   * another variable), and what parameters of callbacks are by the call that the callback is given to, where they are
   * asked for something. Of all others nobody asks.
   */
  #addLocals(defined: ReadonlyMap<number, string>): void {
    const taken = new Set([
      ...defined.values(),
      ...this.#links.imports.flatMap(({ names }) => names.map(({ alias }) => alias)),
      ...this.#links.bindings.map(({ name }) => name),
    ]);
    const asked = new Set(Array.from(this.#calls.values(), ({ receiver }) => /^[\w$]+/.exec(receiver)?.[0]));
    const locals = [...this.#locals]
      .map(([offset, node]) => ({ offset, node, name: this.#slice(node, maxName) }))
      .filter(({ offset, name }) => !defined.has(offset) && (taken.has(name) || asked.has(name)))
      .sort((a, b) => a.offset - b.offset);
    const around = this.#scopes.around(locals.map(({ offset }) => offset));
    for (const [i, { offset, node, name }] of locals.entries()) {
      const scope = around[i]!;
      if (scope === null) continue;
      const known = this.#bindings.get(offset);
      if (known !== undefined) {
        known.until = scope.until;
        continue;
      }
      const type = asked.has(name) ? this.#scopes.callbackTypeOf(this.#text, offset, scope) : '';
      if (type === '' && !taken.has(name)) continue;
      this.#links.bindings.push({ name, type, line: lineOf(node), until: scope.until });
    }
    // The last one before a line is asked for.
    if (this.#locals.size > 0) this.#links.bindings.sort((a, b) => a.line - b.line);
  }

  /** `defined` are the names that are defined, by offset: where a definition looks like a call it is none. */
  finish(defined: ReadonlyMap<number, string>): FileLinks {
    for (const offset of defined.keys()) this.#calls.delete(offset);
    this.#addLocals(defined);
    return { ...this.#links, calls: [...this.#calls.values()] };
  }
}
