import type { ModuleRoot } from './types.ts';

/** How a family of languages writes module names, and which files they can mean. */
export interface ModuleRules {
  /** Between the parts of a module name. */
  separator: string;
  /** Endings to try, the likeliest first; '' is the name as written. */
  endings: readonly string[];
  /** A folder stands for one of these files in it. */
  folderFiles: readonly string[];
  /** A folder stands for all files in it: packages and namespaces. */
  folders: boolean;
  /** A name is looked for anywhere by the end of its path, not only below the file's own folder or a known root. */
  anywhere: boolean;
}

const scripts: ModuleRules = {
  separator: '/',
  endings: ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.d.ts', '.svelte', '.vue'],
  folderFiles: ['index.ts', 'index.tsx', 'index.mts', 'index.js', 'index.jsx', 'index.mjs', 'index.cjs', 'index.d.ts'],
  folders: false,
  anywhere: false,
};
const packages = (...endings: string[]): ModuleRules => ({
  separator: '.',
  endings,
  folderFiles: [],
  folders: true,
  anywhere: true,
});
const files = (separator: string, endings: string[], folderFiles: string[] = []): ModuleRules => ({
  separator,
  endings,
  folderFiles,
  folders: false,
  anywhere: true,
});
const includes = files('/', ['', '.h']);

const rules: Readonly<Record<string, ModuleRules>> = {
  typescript: scripts,
  tsx: scripts,
  javascript: scripts,
  svelte: scripts,
  vue: scripts,
  python: files('.', ['.py', '.pyi'], ['__init__.py', '__init__.pyi']),
  go: { separator: '/', endings: [], folderFiles: [], folders: true, anywhere: false },
  rust: files('::', ['.rs'], ['mod.rs', 'lib.rs', 'main.rs']),
  java: packages('.java'),
  kotlin: packages('.kt', '.java'),
  scala: packages('.scala', '.java'),
  csharp: packages('.cs'),
  php: { ...files('\\', ['', '.php']), folders: true },
  ruby: files('/', ['', '.rb']),
  c: includes,
  cpp: includes,
  objc: includes,
  dart: files('/', ['']),
  lua: files('.', ['.lua'], ['init.lua']),
  zig: files('/', ['']),
  haskell: files('.', ['.hs']),
  bash: files('/', ['', '.sh']),
  solidity: files('/', ['']),
  ocaml: files('.', ['.ml']),
};

/** Families whose files call one another. */
const families: Readonly<Record<string, string>> = {
  typescript: 'script',
  tsx: 'script',
  javascript: 'script',
  svelte: 'script',
  vue: 'script',
  java: 'jvm',
  kotlin: 'jvm',
  scala: 'jvm',
  c: 'c',
  cpp: 'c',
  objc: 'c',
};

export const familyOf = (language: string): string => families[language] ?? language;

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const join = (folder: string, rest: string): string => (folder === '' ? rest : `${folder}/${rest}`);

/** `a/./b/../c` → `a/c`; null when it leads out of the workspace. */
export function normalized(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join('/');
}

function sharedFolders(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  let shared = 0;
  while (shared < left.length - 1 && left[shared] === right[shared]) shared++;
  return shared;
}

interface PlacedRoot extends ModuleRoot {
  folder: string;
}

/** Finds the files that a module name can mean. Knows paths and roots only; contents do not matter. */
export class ModulePaths {
  readonly #files = new Set<string>();
  readonly #byFolder = new Map<string, Set<string>>();
  /** Files by their last part without ending, folders by their last part. */
  readonly #byName = new Map<string, Set<string>>();
  readonly #foldersByName = new Map<string, Set<string>>();
  readonly #roots = new Map<string, PlacedRoot[]>();

  put(path: string, roots: readonly ModuleRoot[]): void {
    this.#files.add(path);
    const folder = folderOf(path);
    addTo(this.#byFolder, folder, path);
    addTo(this.#byName, stemOf(path), path);
    addTo(this.#foldersByName, folder.slice(folder.lastIndexOf('/') + 1), folder);
    if (roots.length > 0)
      this.#roots.set(
        path,
        roots.map((root) => ({ ...root, folder })),
      );
  }

  remove(path: string): void {
    this.#files.delete(path);
    this.#roots.delete(path);
    const folder = folderOf(path);
    removeFrom(this.#byFolder, folder, path);
    removeFrom(this.#byName, stemOf(path), path);
    if (!this.#byFolder.has(folder)) removeFrom(this.#foldersByName, folder.slice(folder.lastIndexOf('/') + 1), folder);
  }

  inFolder(folder: string): readonly string[] {
    return [...(this.#byFolder.get(folder) ?? [])];
  }

  /** Files that `module`, written in the file `from`, can mean; none for what lies outside the workspace. */
  resolve(from: string, language: string, module: string): string[] {
    const rule = rules[language];
    if (rule === undefined || module === '') return [];
    if (language === 'python') return this.#python(from, rule, module);
    if (language === 'rust') return this.#rust(from, rule, module);
    const path = module
      .replace(/^package:[\w]+\//, '')
      .split(rule.separator)
      .join('/');
    if (/^\.{1,2}(?:\/|$)/.test(path)) return this.#at(normalized(join(folderOf(from), path)), rule);
    const rooted = this.#byRoots(from, path, rule);
    if (rooted.length > 0) return rooted;
    if (!rule.anywhere) return [];
    const beside = rule.folders ? [] : this.#at(normalized(join(folderOf(from), path)), rule);
    return beside.length > 0 ? beside : this.#anywhere(from, path, rule);
  }

  /** The file, or the folder's, at exactly this path. */
  #at(path: string | null, rule: ModuleRules): string[] {
    if (path === null) return [];
    for (const ending of rule.endings) if (this.#files.has(path + ending)) return [path + ending];
    // TypeScript imports `./a.js` and means a.ts.
    const bare = rule === scripts ? path.replace(/\.[cm]?jsx?$/, '') : path;
    if (bare !== path) {
      for (const ending of rule.endings) if (ending !== '' && this.#files.has(bare + ending)) return [bare + ending];
    }
    for (const name of rule.folderFiles) if (this.#files.has(join(path, name))) return [join(path, name)];
    return rule.folders ? this.inFolder(path).filter((each) => !/_test\.go$/.test(each)) : [];
  }

  /** By what manifests declare, the nearest manifest and the longest pattern first. */
  #byRoots(from: string, path: string, rule: ModuleRules): string[] {
    const fitting: { root: PlacedRoot; rest: string }[] = [];
    for (const roots of this.#roots.values()) {
      for (const root of roots) {
        if (root.local && !`${from}/`.startsWith(root.folder === '' ? '' : `${root.folder}/`)) continue;
        const rest = matchPattern(root.pattern, path);
        if (rest !== null) fitting.push({ root, rest });
      }
    }
    fitting.sort(
      (a, b) =>
        sharedFolders(from, `${b.root.folder}/x`) - sharedFolders(from, `${a.root.folder}/x`) ||
        b.root.pattern.length - a.root.pattern.length,
    );
    for (const { root, rest } of fitting) {
      for (const target of root.targets) {
        const place = normalized(join(root.folder, target.replace('*', rest)));
        const found = this.#at(place, rule);
        if (found.length > 0) return found;
        const source = place === null ? [] : this.#atSource(place, root.folder, rule);
        if (source.length > 0) return source;
      }
    }
    return [];
  }

  /** Manifests name what is built; its source lies in `src` under the same name. */
  #atSource(place: string, folder: string, rule: ModuleRules): string[] {
    const inside = folder === '' ? place : place.slice(folder.length + 1);
    const parts = inside.split('/');
    const last = parts.at(-1)!.replace(/(?:\.d)?\.[cm]?[jt]sx?$/, '');
    for (let skip = 0; skip < parts.length; skip++) {
      const tail = [...parts.slice(skip, -1), last].join('/');
      for (const base of ['src', '']) {
        const found = this.#at(normalized(join(folder, join(base, tail))), rule);
        if (found.length > 0) return found;
      }
    }
    return [];
  }

  /** By the end of a path: the file that shares most folders with the one that asks. None if several are as near. */
  #anywhere(from: string, path: string, rule: ModuleRules): string[] {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const endings = rule.endings.map((ending) => `/${path}${ending}`);
    const found = [...(this.#byName.get(stemOf(name)) ?? [])].filter((file) =>
      endings.some((ending) => `/${file}`.endsWith(ending)),
    );
    for (const file of rule.folderFiles) {
      for (const folder of this.#foldersByName.get(name) ?? []) {
        if (`/${folder}`.endsWith(`/${path}`) && this.#files.has(join(folder, file))) found.push(join(folder, file));
      }
    }
    if (found.length === 0 && rule.folders) {
      const folders = [...(this.#foldersByName.get(name) ?? [])].filter((folder) => `/${folder}`.endsWith(`/${path}`));
      return folders.flatMap((folder) => this.inFolder(folder));
    }
    return nearestOf(from, found);
  }

  #python(from: string, rule: ModuleRules, module: string): string[] {
    const dots = /^\.*/.exec(module)![0].length;
    const path = module.slice(dots).split('.').join('/');
    if (dots === 0) return this.#anywhere(from, path, rule).filter((file) => isPackagePath(file, path, this.#files));
    let folder = folderOf(from);
    for (let up = 1; up < dots; up++) folder = folderOf(folder);
    return this.#at(path === '' ? folder : join(folder, path), rule);
  }

  /** `crate::a::b`, `super::a`, `self::a`, `other_crate::a`: the longest part that is a file; the rest lies in it. */
  #rust(from: string, rule: ModuleRules, module: string): string[] {
    const parts = module.split('::').filter((part) => part !== '');
    const isFolderFile = rule.folderFiles.includes(from.slice(from.lastIndexOf('/') + 1));
    let folder = isFolderFile ? folderOf(from) : from.replace(/\.rs$/, '');
    let start = 0;
    if (parts[0] === 'crate') {
      folder = this.#crateFolder(from);
      start = 1;
    } else if (parts[0] === 'self' || parts[0] === 'super') {
      for (; parts[start] === 'self' || parts[start] === 'super'; start++)
        if (parts[start] === 'super') folder = folderOf(folder);
    } else {
      const crate = this.#byRoots(from, parts[0] ?? '', { ...rule, endings: [''] });
      if (crate.length === 0) return this.#rustIn(folder, parts, 0, rule, false);
      folder = folderOf(crate[0]!);
      start = 1;
    }
    return this.#rustIn(folder, parts, start, rule, true);
  }

  #rustIn(folder: string, parts: readonly string[], start: number, rule: ModuleRules, itself: boolean): string[] {
    for (let end = parts.length; end > start; end--) {
      const found = this.#at(join(folder, parts.slice(start, end).join('/')), rule);
      if (found.length > 0) return found;
    }
    if (!itself) return [];
    const own = this.#at(folder, rule);
    return own.length > 0 ? own : this.#at(folder, { ...rule, folderFiles: ['lib.rs', 'main.rs', 'mod.rs'] });
  }

  /** The folder of the nearest lib.rs or main.rs upwards. */
  #crateFolder(from: string): string {
    for (let folder = folderOf(from); ; folder = folderOf(folder)) {
      if (this.#files.has(join(folder, 'lib.rs')) || this.#files.has(join(folder, 'main.rs'))) return folder;
      if (folder === '') return folderOf(from);
    }
  }
}

/** `@/*` and `@/a/b` → `a/b`; a pattern without a star fits itself alone, and with `/` what lies below it. */
function matchPattern(pattern: string, path: string): string | null {
  const star = pattern.indexOf('*');
  if (star < 0) return path === pattern ? '' : null;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const fits = path.length >= before.length + after.length && path.startsWith(before) && path.endsWith(after);
  return fits ? path.slice(before.length, path.length - after.length) : null;
}

/** Where Python starts to look is a folder that is not itself a package. */
function isPackagePath(file: string, path: string, files: ReadonlySet<string>): boolean {
  const before = `/${file}`.lastIndexOf(`/${path}`) - 1;
  const top = before < 0 ? '' : file.slice(0, before);
  return top === '' || !files.has(`${top}/__init__.py`);
}

function nearestOf(from: string, found: readonly string[]): string[] {
  if (found.length < 2) return [...found];
  const shared = found.map((file) => sharedFolders(from, file));
  const most = Math.max(...shared);
  const nearest = found.filter((_, i) => shared[i] === most);
  const shortest = Math.min(...nearest.map((file) => file.split('/').length));
  const best = nearest.filter((file) => file.split('/').length === shortest);
  return best.length === 1 ? best : [];
}

function stemOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.indexOf('.', 1);
  return dot < 0 ? name : name.slice(0, dot);
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, new Set([value]));
  else values.add(value);
}

function removeFrom(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
