import type { ModuleRoot } from '../core/graph/types.ts';

/** JSON with comments and trailing commas, as tsconfig.json has them. Throws SyntaxError. */
function parseJson(text: string): unknown {
  let plain = '';
  const token = /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[^]*?\*\//g;
  let at = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    plain += text.slice(at, match.index) + (match[0].startsWith('"') ? match[0] : ' ');
    at = match.index + match[0].length;
  }
  plain += text.slice(at);
  // Strings hold no bare `,}` that matters: a comma in one is followed by its closing quote first.
  return JSON.parse(plain.replace(/,(\s*[}\]])/g, '$1'));
}

type Json = Record<string, unknown>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

/** Every path in an `exports` or `imports` value, whatever its conditions; types and sources before what is built. */
function targetsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(targetsOf);
  const rank = (condition: string): number =>
    ['source', 'types', 'import', 'default', 'require'].indexOf(condition) >>> 0;
  return Object.entries(object(value))
    .sort(([a], [b]) => rank(a) - rank(b))
    .flatMap(([, each]) => targetsOf(each));
}

function packageJson(text: string): ModuleRoot[] {
  const { name, exports, imports, main, module, types, source } = object(parseJson(text));
  const roots: ModuleRoot[] = Object.entries(object(imports)).map(([pattern, value]) => ({
    pattern,
    targets: targetsOf(value),
    local: true,
  }));
  if (typeof name !== 'string') return roots;
  const entries = Object.entries(object(exports)).filter(([key]) => key.startsWith('.'));
  const top = entries.length > 0 ? [] : targetsOf(exports);
  const mains = [source, types, module, main].filter((each) => typeof each === 'string');
  for (const [key, value] of entries)
    roots.push({ pattern: name + key.slice(1), targets: targetsOf(value), local: false });
  roots.push({ pattern: name, targets: [...top, ...mains, 'src/index', 'index'], local: false });
  roots.push({ pattern: `${name}/*`, targets: ['*', 'src/*'], local: false });
  return roots;
}

function tsconfig(text: string): ModuleRoot[] {
  const { baseUrl, paths } = object(object(parseJson(text))['compilerOptions']);
  const base = typeof baseUrl === 'string' ? baseUrl : '.';
  const roots: ModuleRoot[] = Object.entries(object(paths)).map(([pattern, value]) => ({
    pattern,
    targets: targetsOf(value).map((target) => `${base}/${target}`),
    local: true,
  }));
  if (typeof baseUrl === 'string') roots.push({ pattern: '*', targets: [`${base}/*`], local: true });
  return roots;
}

function goMod(text: string): ModuleRoot[] {
  const roots = (name: string, folder: string, local: boolean): ModuleRoot[] => [
    { pattern: name, targets: [folder], local },
    { pattern: `${name}/*`, targets: [`${folder}/*`], local },
  ];
  const name = /^module\s+"?([^\s"]+)/m.exec(text)?.[1];
  // `replace a => ../b`, by itself or in a block of them.
  const replaced = [...text.matchAll(/^\s*(?:replace\s+)?([^\s()]+)(?:\s+v\S+)?\s*=>\s*(\.{1,2}\/[^\s]*)/gm)];
  return [
    ...(name === undefined ? [] : roots(name, '.', false)),
    ...replaced.flatMap(([, module, folder]) => roots(module!, folder!.replace(/\/+$/, ''), true)),
  ];
}

function cargoToml(text: string): ModuleRoot[] {
  const section = (title: string): string =>
    new RegExp(`^\\[${title}\\]([^]*?)(?=^\\[|$(?![^]))`, 'm').exec(text)?.[1] ?? '';
  const value = (body: string, key: string): string | undefined =>
    new RegExp(`^\\s*${key}\\s*=\\s*"([^"]+)"`, 'm').exec(body)?.[1];
  const name = value(section('lib'), 'name') ?? value(section('package'), 'name');
  if (name === undefined) return [];
  const path = value(section('lib'), 'path');
  return [
    {
      pattern: name.replaceAll('-', '_'),
      targets: [...(path === undefined ? [] : [path]), 'src/lib.rs'],
      local: false,
    },
  ];
}

function composerJson(text: string): ModuleRoot[] {
  const manifest = object(parseJson(text));
  return ['autoload', 'autoload-dev'].flatMap((key) =>
    Object.entries(object(object(manifest[key])['psr-4'])).map(([prefix, folders]) => ({
      pattern: `${prefix.replaceAll('\\', '/')}*`,
      targets: targetsOf(folders).map((folder) => `${folder.replace(/\/?$/, '/')}*`),
      local: false,
    })),
  );
}

const parsers: [RegExp, (text: string) => ModuleRoot[]][] = [
  [/(?:^|\/)package\.json$/, packageJson],
  [/(?:^|\/)[tj]sconfig(?:\.[\w-]+)?\.json$/, tsconfig],
  [/(?:^|\/)go\.mod$/, goMod],
  [/(?:^|\/)Cargo\.toml$/, cargoToml],
  [/(?:^|\/)composer\.json$/, composerJson],
];

/** Module names that a manifest declares; null for any other file. Throws SyntaxError for one that cannot be read. */
export function parseManifest(path: string, text: string): ModuleRoot[] | null {
  const parser = parsers.find(([name]) => name.test(path))?.[1];
  return parser === undefined ? null : parser(text);
}
