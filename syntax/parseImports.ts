import type { ImportedName, ImportLink } from '../core/graph/types.ts';

type Found = Omit<ImportLink, 'line'>;

const whole = (alias: string): ImportedName => ({ name: '*', alias });
const lastOf = (path: string, separator: string | RegExp): string => path.split(separator).at(-1)!;
const unquoted = (text: string): string => /['"`<]([^'"`>]*)['"`>]/.exec(text)?.[1] ?? '';

/** `a, b as c` → names with their aliases; `type` and the like before a name are dropped. */
function namesOf(list: string, as: RegExp): ImportedName[] {
  return list
    .split(',')
    .map((each) => each.trim().replace(/^(?:type|typeof|struct|function|const)\s+(?!as\b)/, ''))
    .filter((each) => each !== '')
    .map((each) => {
      const [name, alias] = each.split(as).map((part) => part.trim());
      return { name: name!, alias: alias ?? name! };
    });
}

const withoutComments = (text: string): string => text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ' ');

function ecmaScript(text: string): Found[] {
  const clean = withoutComments(text);
  if (/^export\s+default\b/.test(clean)) {
    const name = /^export\s+default\s+(?:async\s+)?(?:abstract\s+)?(?:(?:function|class)\b\s*\*?\s*)?([\w$]+)?/.exec(
      clean,
    );
    return name?.[1] === undefined
      ? []
      : [{ module: '', names: [{ name: name[1], alias: 'default' }], exported: true }];
  }
  const required = /^([^]*?)=\s*require\s*\(\s*['"]([^'"]+)['"]/.exec(clean);
  if (required !== null && !/^(?:import|export)\b/.test(clean)) {
    const target = required[1]!.trim();
    const names = target.startsWith('{')
      ? namesOf(target.slice(1, target.lastIndexOf('}')), /\s*:\s*/)
      : [whole(target)];
    return [{ module: required[2]!, names, exported: false }];
  }
  const exported = clean.startsWith('export');
  const module =
    /(?:\bfrom|^import)\s*['"]([^'"]+)['"]/.exec(clean)?.[1] ?? /require\s*\(\s*['"]([^'"]+)/.exec(clean)?.[1] ?? '';
  const head = clean.replace(/^(?:import|export)\s+(?:type\s+(?!from\b))?/, '').replace(/\bfrom\s*['"][^]*$/, '');
  const braces = /\{([^]*?)\}/.exec(head);
  const names = braces === null ? [] : namesOf(braces[1]!, /\s+as\s+/);
  const rest = head.replace(/\{[^]*?\}/, '');
  const star = /\*\s*(?:as\s+([\w$]+))?/.exec(rest);
  if (star !== null) names.push(whole(star[1] ?? ''));
  const main = /^\s*([\w$]+)\s*(?:,|=|$)/.exec(rest);
  if (main !== null && !exported) names.push({ name: rest.includes('=') ? '*' : 'default', alias: main[1]! });
  return [{ module, names, exported }];
}

/** Names that a module imports are its attributes: others can import them from it. */
function python(text: string): Found[] {
  const clean = text.replace(/#[^\n]*/g, ' ').replace(/[()\\\n]/g, ' ');
  const from = /^from\s+(\S+)\s+import\s+([^]*)$/.exec(clean);
  if (from !== null) {
    const names = from[2]!.trim() === '*' ? [whole('')] : namesOf(from[2]!, /\s+as\s+/);
    return [{ module: from[1]!, names, exported: true }];
  }
  return namesOf(clean.replace(/^import\s+/, ''), /\s+as\s+/).map(({ name, alias }) => ({
    module: name,
    names: [whole(alias)],
    exported: true,
  }));
}

function go(text: string): Found[] {
  const module = unquoted(text);
  const alias = /^\s*([\w.]+)\s*["`]/.exec(text)?.[1] ?? lastOf(module.replace(/\/v\d+$/, ''), '/');
  return [{ module, names: alias === '_' ? [] : [whole(alias === '.' ? '' : alias)], exported: false }];
}

/** `a::{b, c::{d as e}, *}` spelled out. */
function rustPaths(tree: string, prefix: string): { path: string; alias: string }[] {
  const open = tree.indexOf('{');
  if (open < 0) {
    const [path, alias] = tree.split(/\s+as\s+/).map((part) => part.trim());
    if (path === '') return [];
    const full = path === 'self' ? prefix.replace(/::$/, '') : prefix + path!;
    return [{ path: full, alias: alias ?? lastOf(full, '::') }];
  }
  const head = prefix + tree.slice(0, open).trim();
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    if (character === '{') depth++;
    if (character === '}') depth--;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part].flatMap((each) => rustPaths(each.trim(), head));
}

function rust(text: string): Found[] {
  const exported = /^pub\b/.test(text);
  const clean = withoutComments(text)
    .replace(/^pub(?:\([^)]*\))?\s+/, '')
    .replace(/;\s*$/, '')
    .trim();
  const crate = /^extern\s+crate\s+(\w+)(?:\s+as\s+(\w+))?$/.exec(clean);
  if (crate !== null) return [{ module: crate[1]!, names: [whole(crate[2] ?? crate[1]!)], exported }];
  const module = /(?:^|\s)mod\s+(\w+)$/.exec(clean);
  if (module !== null) return [{ module: `self::${module[1]!}`, names: [whole(module[1]!)], exported: true }];
  return rustPaths(clean.replace(/^use\s+(?:::)?/, ''), '').map(({ path, alias }) => {
    const parts = path.split('::');
    const name = parts.pop()!;
    return { module: parts.join('::'), names: [name === '*' ? whole('') : { name, alias }], exported };
  });
}

/** `import static a.b.C.m;` and the like: the last part is the name, `*` and `_` stand for all. */
function dotted(text: string): Found[] {
  const clean = withoutComments(text)
    .replace(/^import\s+(?:static\s+)?/, '')
    .replace(/;\s*$/, '')
    .trim();
  const braces = /^([\w.]+)\.\{([^]*)\}$/.exec(clean);
  if (braces !== null) {
    const names = namesOf(braces[2]!, /\s*=>\s*|\s+as\s+/).map((each) => (/^[_*]$/.test(each.name) ? whole('') : each));
    return [{ module: braces[1]!, names, exported: false }];
  }
  const [path, alias] = clean.split(/\s+as\s+/).map((part) => part.trim());
  const parts = path!.split('.');
  const name = parts.pop()!;
  const names = /^[_*]$/.test(name) ? [whole('')] : [{ name, alias: alias ?? name }];
  return [{ module: parts.join('.'), names, exported: false }];
}

function csharp(text: string): Found[] {
  const match = /using\s+(?:static\s+|global::)?(?:(\w+)\s*=\s*)?([\w.]+)/.exec(text);
  if (match === null) return [];
  const [, alias, path] = match;
  if (alias === undefined) return [{ module: path!, names: [whole('')], exported: false }];
  const parts = path!.split('.');
  const name = parts.pop()!;
  return [{ module: parts.join('.'), names: [{ name, alias }], exported: false }];
}

function php(text: string): Found[] {
  if (!/^use\b/.test(text)) return [{ module: unquoted(text), names: [whole('')], exported: false }];
  const clean = text.replace(/^use\s+(?:function\s+|const\s+)?/, '').replace(/;\s*$/, '');
  const group = /^([\w\\]+)\\\{([^]*)\}$/.exec(clean);
  const paths = group === null ? clean.split(',') : group[2]!.split(',').map((each) => `${group[1]!}\\${each.trim()}`);
  return paths.map((each) => {
    const [path, alias] = each.trim().split(/\s+as\s+/);
    const parts = path!.split('\\');
    const name = parts.pop()!;
    return { module: parts.join('\\'), names: [{ name, alias: alias ?? name }], exported: false };
  });
}

function dart(text: string): Found[] {
  const alias = /\bas\s+(\w+)/.exec(text)?.[1] ?? '';
  const show = /\bshow\s+([\w\s,]+)/.exec(text)?.[1];
  const names = show === undefined ? [whole(alias)] : namesOf(show, /\s+as\s+/);
  return [{ module: unquoted(text), names, exported: /^\s*export/.test(text) }];
}

function elixir(text: string): Found[] {
  const match = /^(alias|import|use|require)\s+([\w.]+)(?:\.\{([^}]*)\})?(?:[^]*?\bas:\s*(\w+))?/.exec(text);
  if (match === null) return [];
  const [, word, path, group, alias] = match;
  const paths = group === undefined ? [path!] : group.split(',').map((each) => `${path!}.${each.trim()}`);
  const visible = word === 'import' || word === 'use';
  return paths.map((module) => ({
    module,
    names: [whole(visible ? '' : (alias ?? lastOf(module, '.')))],
    exported: false,
  }));
}

function haskell(text: string): Found[] {
  const match = /^import\s+(?:safe\s+)?(qualified\s+)?(?:"[^"]*"\s+)?([\w.]+)(\s+qualified)?(?:\s+as\s+([\w.]+))?/.exec(
    text,
  );
  if (match === null) return [];
  const [, before, module, after, alias] = match;
  const qualified = before !== undefined || after !== undefined;
  const names = [whole(alias ?? module!)];
  if (!qualified) names.push(whole(''));
  return [{ module: module!, names, exported: false }];
}

function solidity(text: string): Found[] {
  const braces = /\{([^}]*)\}/.exec(text);
  const names = braces === null ? [whole(/\bas\s+(\w+)/.exec(text)?.[1] ?? '')] : namesOf(braces[1]!, /\s+as\s+/);
  return [{ module: unquoted(text), names, exported: false }];
}

/** A module in quotes of which all becomes visible, or under the name it is assigned to. */
function quoted(text: string): Found[] {
  const alias = /^(?:local\s+|pub\s+|const\s+|var\s+)*([\w.]+)\s*=/.exec(text)?.[1] ?? '';
  const module = unquoted(text);
  return module === '' ? [] : [{ module, names: [whole(alias)], exported: false }];
}

function word(pattern: RegExp): (text: string) => Found[] {
  return (text) => {
    const module = pattern.exec(text)?.[1];
    return module === undefined ? [] : [{ module, names: [whole('')], exported: false }];
  };
}

const parsers: Readonly<Record<string, (text: string) => Found[]>> = {
  typescript: ecmaScript,
  tsx: ecmaScript,
  javascript: ecmaScript,
  python,
  go,
  rust,
  java: dotted,
  kotlin: dotted,
  scala: dotted,
  csharp,
  php,
  dart,
  elixir,
  haskell,
  solidity,
  swift: word(/import\s+(?:\w+\s+)?([\w.]+)/),
  ocaml: word(/open!?\s+([\w.]+)/),
  bash: word(/^(?:source|\.)\s+["']?(?:\$\{?\w+\}?\/)?([\w./-]+)/),
};

/** What an import says; `text` is the whole statement as it is written. Nothing for one that cannot be read. */
export function parseImport(language: string, text: string): Found[] {
  return (parsers[language] ?? quoted)(text.trim());
}
