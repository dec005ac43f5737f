import type { CodeSymbol } from '../model.ts';

/** `import { name as alias } from …`. The name `*` means the module as a whole; the alias '' makes all of it visible. */
export interface ImportedName {
  name: string;
  alias: string;
}

/** One import, re-export or inclusion as it is written. */
export interface ImportLink {
  /** As the language writes it: `./router`, `..models.user`, `crate::net`, `java.util.List`. '' is the file itself. */
  module: string;
  names: ImportedName[];
  line: number;
  /** Others can import these names from this file. */
  exported: boolean;
}

/** A place where something is called, constructed or applied. */
export interface CallSite {
  name: string;
  /** What stands before the name, white space taken out: `this`, `app.router`, `new Server()`; '' for a bare name. */
  receiver: string;
  line: number;
}

/** What a name is used for where it stands. */
export type OccurrenceKind = 'import' | 'type' | 'value' | 'member';

/** A place where a name stands as code. */
export interface Occurrence {
  name: string;
  /** As for a call. */
  receiver: string;
  line: number;
  /** In characters, from 1. */
  column: number;
  kind: OccurrenceKind;
  /** The line without the white space around it, at most 200 characters. */
  text: string;
}

/** Name of the binding for what the function around it returns. */
export const returnedName = '()';

/** Name of the binding for what the type around it takes in: embedded structs, mixed-in modules, implemented traits. */
export const baseName = '<';

/** Name of the binding for what a call of a field gives, by the field's binding: `this.fetch` → `this.fetch()`. */
export const calledField = (field: string): string => `${field}()`;

/** Name of the binding for what a parameter that stands for types must be: `T extends Foo`. */
export const typeParameter = (name: string): string => `<${name}`;

/** Where a callback stands that has a parameter without a type: what is called with it says what it is given. */
export interface CallbackPlace {
  /** What is called, as a receiver is written: `app.get`, `describe`. */
  callee: string;
  /** Which argument the callback is, from 0. */
  argument: number;
  /** Which parameter of it this is, from 0. */
  parameter: number;
}

export const callbackType = ({ callee, argument, parameter }: CallbackPlace): string =>
  `?${argument}.${parameter} ${callee}`;

/** Null for any other type. */
export function callbackPlace(type: string): CallbackPlace | null {
  const found = /^\?(\d+)\.(\d+) (.+)$/.exec(type);
  return found === null ? null : { callee: found[3]!, argument: Number(found[1]), parameter: Number(found[2]) };
}

/** What the text says about the type of a variable, parameter or field. */
export interface Binding {
  /**
   * `app`, `this.router` for a field, `returnedName` for what a function or a callable type gives back, `baseName` for
   * a base of a type, and what `calledField` and `typeParameter` give.
   */
  name: string;
  /**
   * A type as it is written, or `callee()` for the result of a call; `new Server()` is the type `Server`. '' for a
   * parameter or variable that says nothing of its type: it hides what else has its name. What `callbackType` gives for
   * a parameter of a callback.
   */
  type: string;
  line: number;
  /** Last line of the function or block in which a parameter or variable has this name, where that is known. */
  until?: number;
}

/** What a manifest (package.json, tsconfig.json, go.mod, Cargo.toml, composer.json) says about module names. */
export interface ModuleRoot {
  /** A module name, or one with `*`: `@app/*`, `github.com/owner/name/*`. */
  pattern: string;
  /** Where it leads, relative to the manifest's folder, the first that exists; `*` is what the pattern's star holds. */
  targets: string[];
  /** Only files below the manifest's folder see it. */
  local: boolean;
}

/** What one file says about others, by itself; `CodeGraph` finds out who is meant. */
export interface FileLinks {
  roots: ModuleRoot[];
  imports: ImportLink[];
  calls: CallSite[];
  bindings: Binding[];
}

/** A file as the graph takes it. */
export interface GraphFile {
  path: string;
  language: string;
  symbols: readonly CodeSymbol[];
  links: FileLinks;
}
