import path from 'node:path';
import ts from 'typescript';
import type { TrueCall } from './types.ts';

type Callee = ts.Identifier | ts.PrivateIdentifier;

function calleeName(node: ts.Node): Callee | undefined {
  const called =
    ts.isCallExpression(node) || ts.isNewExpression(node)
      ? node.expression
      : ts.isJsxOpeningElement(node) || ts.isJsxSelfClosingElement(node)
        ? node.tagName
        : undefined;
  if (called === undefined) return undefined;
  // Lower case names an element of the page.
  if (ts.isIdentifier(called))
    return ts.isJsxOpeningLikeElement(node) && /^[a-z]/.test(called.text) ? undefined : called;
  return ts.isPropertyAccessExpression(called) ? called.name : undefined;
}

/** Functions, types, their members, variables of modules; no parameters, no local variables of other values. */
function isDefinition(node: ts.Declaration): boolean {
  if (ts.isVariableDeclaration(node)) {
    const value = node.initializer;
    const isModuleLevel = ts.isSourceFile(node.parent.parent.parent) || ts.isModuleBlock(node.parent.parent.parent);
    return (
      (isModuleLevel && ts.isIdentifier(node.name)) ||
      (value !== undefined &&
        (ts.isArrowFunction(value) || ts.isFunctionExpression(value) || ts.isClassExpression(value)))
    );
  }
  return (
    ts.isFunctionLike(node) ||
    ts.isClassLike(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyAssignment(node)
  );
}

/** Every call in the files of a TypeScript project that lie under `root`, as the compiler's checker resolves it. */
export function typescriptTruth(root: string): TrueCall[] {
  const configFile = path.join(root, 'tsconfig.json');
  const config = ts.readConfigFile(configFile, (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent(config.config ?? {}, ts.sys, root);
  // Solutions list projects in place of files: take what is there.
  const rootNames = ts.sys.readDirectory(root, ['.ts', '.tsx', '.mts'], ['**/node_modules']);
  const program = ts.createProgram({ rootNames, options: { ...options, noEmit: true, skipLibCheck: true } });
  const checker = program.getTypeChecker();
  const relative = (file: string): string => path.relative(root, file).split(path.sep).join('/');
  const isOwn = (file: ts.SourceFile): boolean =>
    !file.isDeclarationFile && !relative(file.fileName).startsWith('..') && !file.fileName.includes('/node_modules/');
  const lineOf = (file: ts.SourceFile, node: ts.Node): number =>
    file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;

  const targetsOf = (name: Callee): string[] => {
    let symbol = checker.getSymbolAtLocation(name);
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0) symbol = checker.getAliasedSymbol(symbol);
    const found = (symbol?.declarations ?? []).filter((each) => isOwn(each.getSourceFile()) && isDefinition(each));
    return found.map((each) => {
      const file = each.getSourceFile();
      const named = ts.getNameOfDeclaration(each) ?? each;
      return `${relative(file.fileName)}:${lineOf(file, named)}`;
    });
  };

  const calls: TrueCall[] = [];
  for (const file of program.getSourceFiles()) {
    if (!isOwn(file)) continue;
    const visit = (node: ts.Node): void => {
      const name = calleeName(node);
      if (name !== undefined)
        calls.push({
          path: relative(file.fileName),
          line: lineOf(file, name),
          name: name.text,
          targets: targetsOf(name),
        });
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return calls;
}
