import type { Node } from 'web-tree-sitter';
import { receiverOf } from './collectLinks.ts';
import { blankOutside, scriptBlocks } from './embeddedScripts.ts';
import { languageOf, languages } from './languages.ts';
import type { Language } from './languageTypes.ts';
import type { Occurrence, OccurrenceKind } from '../core/graph/types.ts';
import type { Syntax } from './parser.ts';

export interface OccurrenceOptions {
  syntax: Syntax;
  deadlineMs: number;
}

const maxLine = 200;
/** How far up the tree says what a name is used for. */
const maxAncestors = 6;

const isWord = /[\w$]/;
const literals = /comment|string|regex|char_literal|heredoc|text$|escape/;
/** Node types of whole imports, in all grammars. */
const imports =
  /^(?:import|import_\w+|use_declaration|using_directive|namespace_use_declaration|preproc_include|include_\w+|require_\w+|open_module|export_clause|export_specifier|mod_item)$/;
const types =
  /^(?:type|type_\w+|\w+_type|type|superclass|super_interfaces|extends_\w+|implements_\w+|class_heritage|base_list|base_class_clause|inheritance_specifier|delegation_specifiers?|generic_\w+|optional_type|user_type|annotation|trait_bounds|superclasses)$/;
/** Names of fields and keys: without something before them they stand for nothing outside. */
const fields = /^(?:property_identifier|field_identifier|shorthand_field_identifier|keyword_argument|label\w*)$/;
const interpolations = /interpolation|substitution|template_substitution|embedded/;

/** Whether the node is a piece of text and not of code; code in a string stands in an interpolation. */
function isText(node: Node): boolean {
  for (let each: Node | null = node, up = 0; each !== null && up < maxAncestors; each = each.parent, up++) {
    if (interpolations.test(each.type)) return false;
    if (literals.test(each.type)) return true;
  }
  return false;
}

function kindOf(node: Node, receiver: string): OccurrenceKind {
  for (let each: Node | null = node, up = 0; each !== null && up < maxAncestors; each = each.parent, up++) {
    if (imports.test(each.type)) return 'import';
    if (up <= 2 && types.test(each.type)) return 'type';
    // Python: what stands in the brackets of a class are its bases.
    if (each.type === 'argument_list' && each.parent?.type === 'class_definition') return 'type';
  }
  return receiver === '' ? 'value' : 'member';
}

/** What stands before a name and belongs to it: `app.router` of `app.router.get`; '' for a bare name. */
function receiverBefore(text: string, node: Node): string {
  const before = /(?:\?\.|\.|::|->)\s*$/.exec(text.slice(Math.max(0, node.startIndex - 40), node.startIndex));
  if (before === null) return '';
  const { parent } = node;
  const end = node.startIndex - before[0].length;
  // `..name` and `...name` spread or go up; they belong to nothing.
  if (parent === null || parent.startIndex >= end || text[end - 1] === '.') return '';
  return receiverOf(text, parent.startIndex, end);
}

function keyOrLabel(node: Node): boolean {
  const { parent } = node;
  if (parent === null) return false;
  if (fields.test(node.type)) return true;
  return fields.test(parent.type) && parent.firstNamedChild?.id === node.id;
}

function read(root: Node, text: string, names: readonly string[]): Occurrence[] {
  const found: Occurrence[] = [];
  for (const name of names) {
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
      const end = at + name.length;
      if ((at > 0 && isWord.test(name[0]!) && isWord.test(text[at - 1]!)) || isWord.test(text[end] ?? '')) continue;
      const node = root.descendantForIndex(at, end - 1);
      if (node === null || node.namedChildCount > 1 || node.endIndex - node.startIndex > name.length + 2) continue;
      if (isText(node)) continue;
      const receiver = receiverBefore(text, node);
      if (receiver === '' && keyOrLabel(node)) continue;
      const lineStart = text.lastIndexOf('\n', at) + 1;
      const lineEnd = text.indexOf('\n', at);
      found.push({
        name,
        receiver,
        line: node.startPosition.row + 1,
        column: at - lineStart + 1,
        kind: kindOf(node, receiver),
        text: text
          .slice(lineStart, lineEnd < 0 ? undefined : lineEnd)
          .trim()
          .slice(0, maxLine),
      });
    }
  }
  return found.sort((a, b) => a.line - b.line || a.column - b.column);
}

const typeScript = languages.find(({ id }) => id === 'typescript')!;

/**
 * Places where the names stand as code, by the language's grammar: not in comments or strings, not as keys of object
 * literals. None for a language without a grammar or when the time is up.
 */
export async function findOccurrences(
  path: string,
  text: string,
  names: readonly string[],
  { syntax, deadlineMs }: OccurrenceOptions,
): Promise<Occurrence[]> {
  const known = languageOf(path, text.slice(0, 200).split('\n', 1)[0]);
  const language: Language | undefined = known?.embedded === undefined ? known : typeScript;
  if (language?.grammar === undefined) return [];
  const loaded = await syntax.load(language);
  if (loaded === null) return [];
  const code = known?.embedded === undefined ? text : blankOutside(text, scriptBlocks(text));
  const tree = syntax.parse(loaded.grammar, code, deadlineMs);
  if (tree === null) return [];
  try {
    return read(tree.rootNode, code, names);
  } finally {
    tree.delete();
  }
}
