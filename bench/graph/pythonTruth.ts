import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';
import { discoverFiles } from '../../server/indexing/discovery/discover.ts';
import type { TrueCall } from './types.ts';

interface Site {
  line: number;
  /** UTF-16 column of the first character of the name. */
  column: number;
  name: string;
}

/**
 * Positions of every called name and of every defined name, by Python's own parser; files come as JSON on standard
 * input. Defined are functions, classes, and variables of modules and classes; parameters and locals are not.
 */
const listCalls = `
import ast, json, re, sys
out = {}
for path in json.load(sys.stdin):
    source = open(path, encoding="utf-8").read()
    lines = source.split("\\n")
    try: tree = ast.parse(source)
    except SyntaxError: continue
    sites = []
    def add(node):
        if isinstance(node, ast.Name): sites.append((node.lineno, node.col_offset, node.id))
        elif isinstance(node, ast.Attribute): sites.append((node.end_lineno, node.end_col_offset - len(node.attr.encode()), node.attr))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call): add(node.func)
        for each in getattr(node, "decorator_list", []):
            if not isinstance(each, ast.Call): add(each)
    defined = []
    def define(statements, inside):
        for node in statements:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found = re.compile(r"\\s*(?:async\\s+)?(?:def|class)\\s+").match(lines[node.lineno - 1])
                if found: defined.append((node.lineno, len(found.group().encode()), node.name))
                define(node.body, isinstance(node, ast.ClassDef))
                continue
            if inside:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
                for target in targets:
                    if isinstance(target, ast.Name): defined.append((target.lineno, target.col_offset, target.id))
            for field in ("body", "orelse", "finalbody"): define(getattr(node, field, []), inside)
            for handler in getattr(node, "handlers", []): define(handler.body, inside)
    define(tree.body, True)
    at = lambda line, column, name: (line, len(lines[line - 1].encode()[:column].decode()), name)
    out[path] = {"calls": [at(*each) for each in sites], "defined": [at(*each) for each in defined]}
json.dump(out, sys.stdout)
`;

interface Position {
  /** From 0. */
  line: number;
  character: number;
}

interface Location {
  uri?: string;
  targetUri?: string;
  range?: { start: Position };
  targetSelectionRange?: { start: Position };
}

/** Every call in the Python files under `root` outside its tests, as pyright's language server resolves it. */
export async function pythonTruth(root: string, langserver: string): Promise<TrueCall[]> {
  const files: string[] = [];
  const settings = { exclude: ['tests/', 'test/', 'docs/'], include: [], maxFileKb: 1024 };
  for await (const batch of discoverFiles({ root, indexDir: path.join(root, '.contextkit'), settings }))
    files.push(...batch.files.map((file) => file.path).filter((file) => file.endsWith('.py')));
  const absolute = files.map((file) => path.join(root, file));
  const listed = execFileSync('python3', ['-c', listCalls], { input: JSON.stringify(absolute), maxBuffer: 1 << 28 });
  type Listed = Record<'calls' | 'defined', [line: number, column: number, name: string][]>;
  const sites = JSON.parse(listed.toString()) as Record<string, Listed>;
  const placeOf = (file: string, line: number, column: number): string => `${file}:${line}:${column}`;
  const defined = new Set(
    Object.entries(sites).flatMap(([file, list]) => list.defined.map(([line, column]) => placeOf(file, line, column))),
  );

  const server = spawn(process.execPath, [langserver, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  connection.onRequest('workspace/configuration', ({ items }: { items: unknown[] }) => items.map(() => ({})));
  connection.onRequest('client/registerCapability', () => null);
  connection.onRequest('window/workDoneProgress/create', () => null);
  connection.listen();
  const uri = pathToFileURL(root).href;
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: uri,
    workspaceFolders: [{ uri, name: 'project' }],
    capabilities: {},
  });
  await connection.sendNotification('initialized', {});

  const calls: TrueCall[] = [];
  for (const [i, file] of absolute.entries()) {
    const document = pathToFileURL(file).href;
    await connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: document, languageId: 'python', version: 1, text: readFileSync(file, 'utf8') },
    });
    for (const [line, column, name] of sites[file]?.calls ?? []) {
      const site: Site = { line, column, name };
      const targets = await definitionsOf(document, site);
      calls.push({ path: files[i]!, line, name, targets });
    }
    await connection.sendNotification('textDocument/didClose', { textDocument: { uri: document } });
    if (i % 20 === 0) console.error(`pyright: ${i} of ${files.length} files`);
  }
  connection.dispose();
  server.kill();
  return calls;

  async function definitionsOf(document: string, { line, column }: Site): Promise<string[]> {
    const answer = await connection.sendRequest<Location | Location[] | null>('textDocument/definition', {
      textDocument: { uri: document },
      position: { line: line - 1, character: column },
    });
    const locations = answer === null ? [] : Array.isArray(answer) ? answer : [answer];
    return locations.flatMap((location) => {
      const target = fileURLToPath(location.targetUri ?? location.uri!);
      const at = (location.targetSelectionRange ?? location.range!).start;
      if (!defined.has(placeOf(target, at.line + 1, at.character))) return [];
      return [`${path.relative(root, target).split(path.sep).join('/')}:${at.line + 1}`];
    });
  }
}
