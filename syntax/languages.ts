import { definitions, type Language } from './languageTypes.ts';

const ecmaScript = `
${definitions({
  function: 'function_declaration generator_function_declaration',
  class: 'class_declaration',
  method: 'method_definition',
})}
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)]) @function
(program (lexical_declaration (variable_declarator name: (identifier) @name value: (_) @value) @constant))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name value: (_) @value) @constant)))
(program (variable_declaration (variable_declarator name: (identifier) @name) @variable))
(assignment_expression left: (member_expression property: (property_identifier) @name) right: [(arrow_function) (function_expression)]) @function
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @method
(comment) @comment`;

const typeScript = `
${definitions({
  class: 'abstract_class_declaration',
  interface: 'interface_declaration',
  enum: 'enum_declaration',
  type: 'type_alias_declaration',
  module: 'internal_module module',
  function: 'function_signature',
  method: 'method_signature abstract_method_signature',
  property: 'public_field_definition property_signature',
})}
${ecmaScript}`;

/** Every language that is parsed or at least known by name. Queries name node types of the pinned grammars. */
export const languages: readonly Language[] = [
  {
    id: 'typescript',
    extensions: ['.ts', '.mts', '.cts'],
    interpreters: ['deno', 'ts-node', 'tsx', 'bun'],
    grammar: 'typescript',
    query: typeScript,
    leading: ['decorator'],
  },
  { id: 'tsx', extensions: ['.tsx'], grammar: 'tsx', query: typeScript, leading: ['decorator'] },
  {
    id: 'javascript',
    extensions: ['.js', '.mjs', '.cjs', '.jsx'],
    interpreters: ['node'],
    grammar: 'javascript',
    query: `${ecmaScript}\n(field_definition property: (_) @name) @property`,
    leading: ['decorator'],
  },
  {
    id: 'python',
    extensions: ['.py', '.pyi', '.pyw', '.pyx'],
    fileNames: ['SConstruct', 'SConscript', 'wscript'],
    interpreters: ['python', 'python2', 'python3', 'pypy'],
    grammar: 'python',
    query: `
      (function_definition name: (_) @name) @function
      (class_definition name: (_) @name) @class
      (module (expression_statement (assignment left: (identifier) @name) @constant))
      (class_definition body: (block (expression_statement (assignment left: (identifier) @name) @property)))
      (module . (expression_statement (string) @doc))
      (block . (expression_statement (string) @doc))
      (comment) @comment`,
    leading: ['decorator'],
  },
  {
    id: 'go',
    extensions: ['.go'],
    grammar: 'go',
    query: `
      ${definitions({ function: 'function_declaration', method: 'method_declaration' })}
      (type_declaration (type_spec name: (_) @name type: (struct_type)) @struct)
      (type_declaration (type_spec name: (_) @name type: (interface_type)) @interface)
      (type_declaration (type_spec name: (_) @name type: [(type_identifier) (map_type) (slice_type) (array_type) (function_type) (pointer_type) (qualified_type) (channel_type) (generic_type)]) @type)
      (type_declaration (type_alias name: (_) @name) @type)
      (source_file (const_declaration (const_spec name: (identifier) @name) @constant))
      (source_file (var_declaration (var_spec name: (identifier) @name) @variable))
      (source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @variable)))
      (method_elem name: (_) @name) @method
      (comment) @comment`,
  },
  {
    id: 'rust',
    extensions: ['.rs'],
    grammar: 'rust',
    query: `
      ${definitions({
        function: 'function_item function_signature_item',
        struct: 'struct_item union_item',
        enum: 'enum_item',
        trait: 'trait_item',
        type: 'type_item associated_type',
        module: 'mod_item',
        constant: 'const_item static_item',
        macro: 'macro_definition',
      })}
      (impl_item type: (_) @name) @class
      [(line_comment) (block_comment)] @comment`,
    leading: ['attribute_item'],
  },
  {
    id: 'java',
    extensions: ['.java'],
    grammar: 'java',
    query: `
      ${definitions({
        class: 'class_declaration record_declaration',
        interface: 'interface_declaration annotation_type_declaration',
        enum: 'enum_declaration',
        method: 'method_declaration',
        constructor: 'constructor_declaration',
      })}
      (field_declaration declarator: (variable_declarator name: (_) @name)) @property
      [(line_comment) (block_comment)] @comment`,
  },
  {
    id: 'kotlin',
    extensions: ['.kt', '.kts'],
    grammar: 'kotlin',
    query: `
      ${definitions({ class: 'class_declaration object_declaration', function: 'function_declaration' })}
      (source_file (property_declaration (variable_declaration (identifier) @name)) @constant)
      (class_body (property_declaration (variable_declaration (identifier) @name)) @property)
      [(line_comment) (block_comment)] @comment`,
    bodies: ['class_body', 'enum_class_body', 'function_body'],
  },
  {
    id: 'scala',
    extensions: ['.scala', '.sc', '.sbt'],
    grammar: 'scala',
    query: `
      ${definitions({
        class: 'class_definition object_definition',
        trait: 'trait_definition',
        enum: 'enum_definition',
        function: 'function_definition function_declaration',
        type: 'type_definition',
      })}
      (template_body (val_definition pattern: (identifier) @name) @property)
      [(comment) (block_comment)] @comment`,
    leading: ['annotation'],
  },
  {
    id: 'c',
    extensions: ['.c', '.h'],
    grammar: 'c',
    query: `
      (function_definition declarator: (function_declarator declarator: (identifier) @name)) @function
      (function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @function
      (function_definition declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))) @function
      (translation_unit (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
      (struct_specifier name: (_) @name body: (_)) @struct
      (union_specifier name: (_) @name body: (_)) @struct
      (enum_specifier name: (_) @name body: (_)) @enum
      (type_definition declarator: (type_identifier) @name) @type
      (preproc_def name: (_) @name) @macro
      (preproc_function_def name: (_) @name) @macro
      (comment) @comment`,
  },
  {
    id: 'cpp',
    extensions: [
      '.cc',
      '.cpp',
      '.cxx',
      '.c++',
      '.hpp',
      '.hh',
      '.hxx',
      '.h++',
      '.ipp',
      '.inl',
      '.tpp',
      '.cu',
      '.cuh',
      '.ino',
    ],
    grammar: 'cpp',
    query: `
      (function_definition declarator: (function_declarator declarator: (identifier) @name)) @function
      (function_definition declarator: (function_declarator declarator: [(field_identifier) (destructor_name) (operator_name)] @name)) @method
      (function_definition declarator: (function_declarator declarator: (qualified_identifier) @name)) @method
      (function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (_) @name))) @function
      (function_definition declarator: (reference_declarator (function_declarator declarator: (_) @name))) @function
      (field_declaration declarator: (function_declarator declarator: (field_identifier) @name)) @method
      (class_specifier name: (_) @name body: (_)) @class
      (struct_specifier name: (_) @name body: (_)) @struct
      (union_specifier name: (_) @name body: (_)) @struct
      (enum_specifier name: (_) @name body: (_)) @enum
      (namespace_definition name: (_) @name) @module
      (concept_definition name: (_) @name) @type
      (alias_declaration name: (_) @name) @type
      (type_definition declarator: (type_identifier) @name) @type
      (preproc_def name: (_) @name) @macro
      (preproc_function_def name: (_) @name) @macro
      (comment) @comment`,
  },
  {
    id: 'objc',
    extensions: ['.m', '.mm'],
    grammar: 'objc',
    query: `
      (class_interface . (identifier) @name) @class
      (class_implementation . (identifier) @name) @class
      (protocol_declaration . (identifier) @name) @interface
      (method_definition (identifier) @name) @method
      (method_declaration (identifier) @name) @method
      (function_definition declarator: (function_declarator declarator: (identifier) @name)) @function
      (comment) @comment`,
    bodies: ['compound_statement'],
  },
  {
    id: 'csharp',
    extensions: ['.cs', '.csx'],
    grammar: 'csharp',
    query: `
      ${definitions({
        class: 'class_declaration record_declaration',
        interface: 'interface_declaration',
        struct: 'struct_declaration',
        enum: 'enum_declaration',
        method: 'method_declaration local_function_statement',
        constructor: 'constructor_declaration',
        property: 'property_declaration',
        type: 'delegate_declaration',
        module: 'namespace_declaration file_scoped_namespace_declaration',
      })}
      (comment) @comment`,
    leading: ['attribute_list'],
  },
  {
    id: 'ruby',
    extensions: ['.rb', '.rake', '.gemspec', '.ru'],
    fileNames: ['Rakefile', 'Gemfile', 'Guardfile', 'Vagrantfile', 'Podfile', 'Fastfile'],
    interpreters: ['ruby'],
    grammar: 'ruby',
    query: `
      ${definitions({ class: 'class', module: 'module', method: 'method singleton_method' })}
      (program (assignment left: (constant) @name) @constant)
      (body_statement (assignment left: (constant) @name) @constant)
      (comment) @comment`,
  },
  {
    id: 'php',
    extensions: ['.php', '.phtml', '.inc'],
    interpreters: ['php'],
    grammar: 'php',
    query: `
      ${definitions({
        class: 'class_declaration',
        interface: 'interface_declaration',
        trait: 'trait_declaration',
        enum: 'enum_declaration',
        function: 'function_definition',
        method: 'method_declaration',
      })}
      (property_declaration (property_element (variable_name) @name)) @property
      (const_declaration (const_element . (name) @name)) @constant
      (comment) @comment`,
    leading: ['attribute_list'],
  },
  {
    id: 'swift',
    extensions: ['.swift'],
    grammar: 'swift',
    query: `
      (class_declaration name: (_) @name) @class
      (protocol_declaration name: (_) @name) @interface
      (function_declaration name: (_) @name) @function
      (protocol_function_declaration name: (_) @name) @method
      (typealias_declaration name: (_) @name) @type
      (source_file (property_declaration name: (pattern) @name) @constant)
      (class_body (property_declaration name: (pattern) @name) @property)
      [(comment) (multiline_comment)] @comment`,
    leading: ['modifiers'],
  },
  {
    id: 'dart',
    extensions: ['.dart'],
    grammar: 'dart',
    bodyFollows: 'function_body',
    query: `
      (class_definition name: (_) @name) @class
      (mixin_declaration (identifier) @name) @class
      (extension_declaration name: (_) @name) @class
      (enum_declaration name: (_) @name) @enum
      (function_signature name: (_) @name) @function
      (getter_signature name: (_) @name) @property
      (constructor_signature name: (_) @name) @constructor
      [(comment) (documentation_comment)] @comment`,
  },
  {
    id: 'bash',
    extensions: ['.sh', '.bash', '.zsh', '.ksh', '.bats', '.ebuild'],
    fileNames: ['.bashrc', '.bash_profile', '.profile', '.zshrc', 'PKGBUILD'],
    interpreters: ['sh', 'bash', 'zsh', 'dash', 'ksh', 'ash'],
    grammar: 'bash',
    query: `
      (function_definition name: (_) @name) @function
      (program (variable_assignment name: (_) @name) @variable)
      (comment) @comment`,
  },
  {
    id: 'lua',
    extensions: ['.lua'],
    interpreters: ['lua', 'luajit'],
    grammar: 'lua',
    query: `
      (function_declaration name: (_) @name) @function
      (assignment_statement (variable_list name: (_) @name) (expression_list value: (function_definition))) @function
      (chunk (variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @variable)
      (comment) @comment`,
  },
  {
    id: 'zig',
    extensions: ['.zig', '.zon'],
    grammar: 'zig',
    query: `
      (function_declaration name: (_) @name) @function
      (variable_declaration (identifier) @name (struct_declaration)) @struct
      (variable_declaration (identifier) @name (enum_declaration)) @enum
      (variable_declaration (identifier) @name (union_declaration)) @struct
      (source_file (variable_declaration . (identifier) @name) @constant)
      (comment) @comment`,
  },
  {
    id: 'elixir',
    extensions: ['.ex', '.exs'],
    interpreters: ['elixir'],
    grammar: 'elixir',
    query: `
      (call target: (identifier) @_kind (arguments (alias) @name) (#any-of? @_kind "defmodule" "defprotocol" "defimpl")) @module
      (call target: (identifier) @_kind (arguments [(identifier) @name (call target: (identifier) @name) (binary_operator left: (call target: (identifier) @name)) (binary_operator left: (identifier) @name)]) (#any-of? @_kind "def" "defp" "defmacro" "defmacrop" "defguard" "defguardp" "defdelegate")) @function
      (unary_operator operator: "@" operand: (call target: (identifier) @_doc (arguments (string)) @doc) (#any-of? @_doc "doc" "moduledoc" "typedoc"))
      (comment) @comment`,
    leading: ['unary_operator'],
    bodies: ['do_block'],
  },
  {
    id: 'haskell',
    extensions: ['.hs', '.lhs', '.hsc'],
    grammar: 'haskell',
    query: `
      (declarations (function name: (_) @name) @function)
      (declarations (bind name: (_) @name) @function)
      (declarations (signature name: (_) @name) @function)
      (declarations (data_type name: (_) @name) @type)
      (declarations (newtype name: (_) @name) @type)
      (declarations (type_synomym name: (_) @name) @type)
      (declarations (class name: (_) @name) @trait)
      (declarations (instance name: (_) @name) @class)
      [(comment) (haddock)] @comment`,
  },
  {
    id: 'ocaml',
    extensions: ['.ml'],
    grammar: 'ocaml',
    query: `
      (value_definition (let_binding pattern: (value_name) @name)) @function
      (type_definition (type_binding name: (_) @name)) @type
      (module_definition (module_binding (module_name) @name)) @module
      (comment) @comment`,
  },
  {
    id: 'solidity',
    extensions: ['.sol'],
    grammar: 'solidity',
    query: `
      ${definitions({
        class: 'contract_declaration library_declaration',
        interface: 'interface_declaration',
        struct: 'struct_declaration',
        enum: 'enum_declaration',
        function: 'function_definition modifier_definition',
        type: 'event_definition',
      })}
      (comment) @comment`,
  },
  {
    id: 'powershell',
    extensions: ['.ps1', '.psm1', '.psd1'],
    interpreters: ['pwsh'],
    grammar: 'powershell',
    query: `
      (function_statement (function_name) @name) @function
      (class_statement (simple_name) @name) @class
      (class_method_definition (simple_name) @name) @method
      (comment) @comment`,
    bodies: ['script_block'],
  },
  { id: 'svelte', extensions: ['.svelte'], grammar: 'svelte', query: '(comment) @comment', embedded: 'svelte' },
  { id: 'vue', extensions: ['.vue'], grammar: 'vue', query: '(comment) @comment', embedded: 'vue' },
  { id: 'html', extensions: ['.html', '.htm', '.xhtml'], grammar: 'html', query: '(comment) @comment' },
  {
    id: 'css',
    extensions: ['.css', '.pcss'],
    grammar: 'css',
    query: `
      (rule_set (selectors) @name) @type
      (keyframes_statement (keyframes_name) @name) @type
      (comment) @comment`,
    bodies: ['block', 'keyframe_block_list'],
  },
  {
    id: 'json',
    extensions: ['.json', '.jsonc', '.json5', '.geojson', '.webmanifest'],
    grammar: 'json',
    query: '(comment) @comment',
  },
  { id: 'yaml', extensions: ['.yaml', '.yml'], grammar: 'yaml', query: '(comment) @comment' },
  { id: 'toml', extensions: ['.toml'], grammar: 'toml', query: '(comment) @comment' },
  { id: 'markdown', extensions: ['.md', '.markdown', '.mdx', '.mdc', '.qmd', '.rmd'] },
  { id: 'restructuredtext', extensions: ['.rst'] },
  { id: 'asciidoc', extensions: ['.adoc', '.asciidoc'] },
  { id: 'text', extensions: ['.txt', '.text', '.log'] },
  { id: 'scss', extensions: ['.scss', '.sass'] },
  { id: 'less', extensions: ['.less'] },
  { id: 'sql', extensions: ['.sql'] },
  { id: 'xml', extensions: ['.xml', '.xsd', '.xsl', '.svg', '.plist', '.csproj', '.props', '.targets'] },
  { id: 'protobuf', extensions: ['.proto'] },
  { id: 'graphql', extensions: ['.graphql', '.gql'] },
  { id: 'terraform', extensions: ['.tf', '.tfvars', '.hcl'] },
  { id: 'groovy', extensions: ['.groovy', '.gradle'], fileNames: ['Jenkinsfile'] },
  { id: 'clojure', extensions: ['.clj', '.cljs', '.cljc', '.edn'] },
  { id: 'erlang', extensions: ['.erl', '.hrl'] },
  { id: 'elm', extensions: ['.elm'] },
  { id: 'fsharp', extensions: ['.fs', '.fsi', '.fsx'] },
  { id: 'julia', extensions: ['.jl'], interpreters: ['julia'] },
  { id: 'r', extensions: ['.r'], interpreters: ['Rscript'] },
  { id: 'perl', extensions: ['.pl', '.pm'], interpreters: ['perl'] },
  { id: 'nix', extensions: ['.nix'] },
  { id: 'vim', extensions: ['.vim'], fileNames: ['.vimrc'] },
  { id: 'fish', extensions: ['.fish'], interpreters: ['fish'] },
  { id: 'dockerfile', extensions: ['.dockerfile'], fileNames: ['Dockerfile', 'Containerfile'] },
  { id: 'makefile', extensions: ['.mk', '.mak'], fileNames: ['Makefile', 'GNUmakefile', 'makefile'] },
  { id: 'cmake', extensions: ['.cmake'], fileNames: ['CMakeLists.txt'] },
  { id: 'ini', extensions: ['.ini', '.cfg', '.conf', '.properties'], fileNames: ['.editorconfig', '.gitconfig'] },
];

/** What a file is when nothing says more. */
export const plainText = 'text';

const byExtension = new Map(
  languages.flatMap((language) => language.extensions.map((extension) => [extension, language] as const)),
);
const byFileName = new Map(
  languages.flatMap((language) => (language.fileNames ?? []).map((name) => [name, language] as const)),
);
const byInterpreter = new Map(
  languages.flatMap((language) => (language.interpreters ?? []).map((name) => [name, language] as const)),
);

/** The interpreter of a `#!` line: `#!/usr/bin/env -S python3 -u` → python3. */
function interpreterOf(firstLine: string): string | undefined {
  if (!firstLine.startsWith('#!')) return undefined;
  const words = firstLine.slice(2).trim().split(/\s+/);
  const program = words[0]?.split('/').at(-1);
  return program === 'env' ? words.slice(1).find((word) => !word.startsWith('-') && !word.includes('=')) : program;
}

/** The language of a file by its name, its ending, or its first line; undefined for unknown text. */
export function languageOf(path: string, firstLine = ''): Language | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const known = byFileName.get(name);
  if (known !== undefined) return known;
  const dot = name.lastIndexOf('.');
  const byEnding = dot < 0 ? undefined : byExtension.get(name.slice(dot).toLowerCase());
  if (byEnding !== undefined) return byEnding;
  const interpreter = interpreterOf(firstLine);
  return interpreter === undefined
    ? undefined
    : (byInterpreter.get(interpreter) ?? byInterpreter.get(interpreter.replace(/[\d.]+$/, '')));
}
