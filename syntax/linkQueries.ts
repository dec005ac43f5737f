/**
 * What a language's query finds besides definitions, for the graph:
 * `@call` is the name of what is called or constructed, with `@receiver` before it; `@import` a whole import;
 * `@bind` a variable or parameter and `@field` a field, with its type as `@bound` or the call that gives its value
 * as `@value`; `@base` is a type that the type around it takes in; `@returned` is what a function returns, as a type or a value like those;
 * `@callable` is a field that is called, with what that gives as `@bound`; `@local` is a parameter or variable whatever
 * is known of it: it hides what else has its name, as far as the innermost `@within` around it reaches;
 * `@first` and `@second` are functions that are given to `@callee` as the argument of that number (a pattern for the
 * third one takes the query four times as long where calls are nested a thousand deep);
 * `@parameter` is a parameter of a type or function that stands for types, with what they must be as `@bound`.
 */
const ecmaScript = `
(call_expression function: [
  (identifier) @call
  (member_expression object: (_) @receiver property: [(property_identifier) (private_property_identifier)] @call)
])
(new_expression constructor: [
  (identifier) @call
  (member_expression object: (_) @receiver property: (property_identifier) @call)
])
(import_statement) @import
(export_statement source: (_)) @import
(export_statement (export_clause)) @import
(export_statement "default") @import
(variable_declarator value: (call_expression function: (identifier) @_require arguments: (arguments (string))) (#eq? @_require "require")) @import
(variable_declarator name: (identifier) @bind value: [(new_expression) (call_expression) (await_expression) (member_expression)] @value)
(assignment_expression left: (member_expression object: (this) property: [(property_identifier) (private_property_identifier)] @field) right: [(new_expression) (call_expression) (identifier) (member_expression)] @value)
(return_statement [(new_expression) (call_expression) (this)] @value) @returned
(variable_declarator name: (identifier) @local)
(arrow_function parameter: (identifier) @local)
(catch_clause parameter: (identifier) @local)
(for_in_statement left: (identifier) @local)
(shorthand_property_identifier_pattern) @local
(pair_pattern value: (identifier) @local)
(array_pattern (identifier) @local)
(rest_pattern (identifier) @local)
(assignment_pattern left: (identifier) @local)
[
  (arrow_function) (function_declaration) (function_expression) (generator_function) (generator_function_declaration)
  (method_definition) (statement_block) (class_static_block) (catch_clause) (for_statement) (for_in_statement) (switch_body)
] @within
(call_expression function: [(identifier) (member_expression)] @callee arguments: (arguments . [(arrow_function) (function_expression)] @first))
(call_expression function: [(identifier) (member_expression)] @callee arguments: (arguments . (_) . [(arrow_function) (function_expression)] @second))`;

const jsx = `
(jsx_opening_element name: [(identifier) @call (member_expression object: (_) @receiver property: (property_identifier) @call)])
(jsx_self_closing_element name: [(identifier) @call (member_expression object: (_) @receiver property: (property_identifier) @call)])`;

const typeScript = `
${ecmaScript}
(function_signature return_type: (type_annotation (_) @bound) @returned)
(function_declaration return_type: (type_annotation (_) @bound) @returned)
(method_definition return_type: (type_annotation (_) @bound) @returned)
(variable_declarator name: (identifier) @bind type: (type_annotation (_) @bound))
(variable_declarator name: (identifier) @bind value: (as_expression (_) (_) @bound))
(required_parameter pattern: (identifier) @bind type: (type_annotation (_) @bound))
(optional_parameter pattern: (identifier) @bind type: (type_annotation (_) @bound))
(required_parameter [(accessibility_modifier) "readonly"] pattern: (identifier) @field type: (type_annotation (_) @bound))
(public_field_definition name: [(property_identifier) (private_property_identifier)] @field type: (type_annotation (_) @bound))
(public_field_definition name: [(property_identifier) (private_property_identifier)] @field value: [(new_expression) (call_expression)] @value)
(property_signature name: (property_identifier) @field type: (type_annotation (_) @bound))
(property_signature name: (property_identifier) @callable type: (type_annotation (function_type return_type: (_) @bound)))
(type_parameter name: (type_identifier) @parameter constraint: (constraint (_) @bound))
(call_signature return_type: (type_annotation (_) @bound)) @returned
(type_alias_declaration value: (function_type return_type: (_) @bound)) @returned
(type_alias_declaration value: (generic_type) @base)
(type_alias_declaration value: (intersection_type [(type_identifier) (generic_type) (nested_type_identifier)] @base))
(type_alias_declaration value: (intersection_type (intersection_type [(type_identifier) (generic_type) (nested_type_identifier)] @base)))
(type_alias_declaration value: (intersection_type (intersection_type (intersection_type [(type_identifier) (generic_type) (nested_type_identifier)] @base))))
[
  (function_signature) (method_signature) (abstract_method_signature) (call_signature) (construct_signature)
  (function_type) (constructor_type)
] @within
(required_parameter pattern: (identifier) @local)
(optional_parameter pattern: (identifier) @local)`;

const cFamily = `
(call_expression function: [(identifier) @call (field_expression argument: (_) @receiver field: (field_identifier) @call)])
(preproc_include) @import
(parameter_declaration type: (_) @bound declarator: [(identifier) @bind (pointer_declarator declarator: (identifier) @bind)])
(declaration type: (_) @bound declarator: [(identifier) @bind (pointer_declarator declarator: (identifier) @bind) (init_declarator declarator: [(identifier) @bind (pointer_declarator declarator: (identifier) @bind)])])
(field_declaration type: (_) @bound declarator: [(field_identifier) @field (pointer_declarator declarator: (field_identifier) @field)])`;

/** By language id. Node types are those of the pinned grammars. */
export const linkQueries: Readonly<Record<string, string>> = {
  typescript: typeScript,
  tsx: `${typeScript}\n${jsx}`,
  javascript: `${ecmaScript}\n${jsx}
    (formal_parameters (identifier) @local)
    (field_definition property: [(property_identifier) (private_property_identifier)] @field value: [(new_expression) (call_expression)] @value)`,
  python: `
    (call function: [(identifier) @call (attribute object: (_) @receiver attribute: (identifier) @call)])
    (decorator [(identifier) @call (attribute object: (_) @receiver attribute: (identifier) @call)])
    [(import_statement) (import_from_statement)] @import
    (assignment left: (identifier) @bind type: (type) @bound)
    (assignment left: (identifier) @bind right: [(call) (await)] @value)
    (assignment left: (attribute object: (identifier) @_self attribute: (identifier) @field) type: (type) @bound (#any-of? @_self "self" "cls"))
    (assignment left: (attribute object: (identifier) @_self attribute: (identifier) @field) right: [(call) (identifier)] @value (#any-of? @_self "self" "cls"))
    (class_definition body: (block (expression_statement (assignment left: (identifier) @field type: (type) @bound))))
    (typed_parameter . (identifier) @bind type: (type) @bound)
    (typed_default_parameter name: (identifier) @bind type: (type) @bound)
    (return_statement [(call) (identifier)] @value) @returned
    (as_pattern . (call) @value alias: (as_pattern_target (identifier) @bind))`,
  go: `
    (call_expression function: [(identifier) @call (selector_expression operand: (_) @receiver field: (field_identifier) @call)])
    (composite_literal type: [(type_identifier) @call (qualified_type package: (_) @receiver name: (_) @call)])
    (import_spec) @import
    (parameter_declaration name: (identifier) @bind type: (_) @bound)
    (var_spec name: (identifier) @bind type: (_) @bound)
    (field_declaration name: (field_identifier) @field type: (_) @bound)
    (field_declaration !name type: (_) @base)
    (field_declaration !name type: [(type_identifier) @field @bound (qualified_type name: (_) @field) @bound])
    (interface_type (type_elem [(type_identifier) (qualified_type) (generic_type)] @base))
    (short_var_declaration left: (expression_list . (identifier) @bind) right: (expression_list . [(call_expression) (composite_literal) (unary_expression)] @value))`,
  rust: `
    (call_expression function: [
      (identifier) @call
      (field_expression value: (_) @receiver field: (field_identifier) @call)
      (scoped_identifier path: (_) @receiver name: (identifier) @call)
      (generic_function function: [(identifier) @call (scoped_identifier path: (_) @receiver name: (identifier) @call) (field_expression value: (_) @receiver field: (field_identifier) @call)])
    ])
    (struct_expression name: (type_identifier) @call)
    (macro_invocation macro: [(identifier) @call (scoped_identifier path: (_) @receiver name: (identifier) @call)])
    (use_declaration) @import
    (mod_item !body) @import
    (extern_crate_declaration) @import
    (impl_item trait: (_) @base)
    (trait_item bounds: (trait_bounds (_) @base))
    (parameter pattern: (identifier) @bind type: (_) @bound)
    (let_declaration pattern: (identifier) @bind type: (_) @bound)
    (let_declaration pattern: (identifier) @bind value: [(call_expression) (struct_expression) (try_expression) (await_expression)] @value)
    (field_declaration name: (field_identifier) @field type: (_) @bound)`,
  java: `
    (method_invocation name: (identifier) @call)
    (method_invocation object: (_) @receiver name: (identifier) @call)
    (object_creation_expression type: [(type_identifier) @call (generic_type . (type_identifier) @call)])
    (method_reference . (_) @receiver (identifier) @call .)
    (import_declaration) @import
    (field_declaration type: (_) @bound declarator: (variable_declarator name: (identifier) @field))
    (local_variable_declaration type: (_) @bound declarator: (variable_declarator name: (identifier) @bind))
    (formal_parameter type: (_) @bound name: (identifier) @bind)`,
  kotlin: `
    (call_expression . [(identifier) @call (navigation_expression . (_) @receiver (identifier) @call .)])
    (constructor_invocation (user_type (identifier) @call .))
    (import) @import
    (class_parameter (identifier) @field . (user_type) @bound)
    (parameter (identifier) @bind . (user_type) @bound)
    (property_declaration (variable_declaration (identifier) @bind (user_type) @bound))
    (property_declaration (variable_declaration (identifier) @bind) (call_expression) @value)`,
  scala: `
    (call_expression function: [(identifier) @call (field_expression value: (_) @receiver field: (identifier) @call)])
    (instance_expression (type_identifier) @call)
    (import_declaration) @import
    (class_parameter name: (identifier) @field type: (_) @bound)
    (parameter name: (identifier) @bind type: (_) @bound)
    (val_definition pattern: (identifier) @bind type: (_) @bound)
    (val_definition pattern: (identifier) @bind value: [(instance_expression) (call_expression)] @value)`,
  c: cFamily,
  cpp: `
    ${cFamily}
    (call_expression function: (qualified_identifier scope: (_) @receiver name: (identifier) @call))
    (call_expression function: (template_function name: (identifier) @call))
    (new_expression type: (type_identifier) @call)
    (parameter_declaration type: (_) @bound declarator: (reference_declarator (identifier) @bind))`,
  objc: `
    (class_interface superclass: (identifier) @base)
    (declaration type: (type_identifier) @bound declarator: [(init_declarator declarator: (pointer_declarator declarator: (identifier) @bind)) (pointer_declarator declarator: (identifier) @bind)])
    (message_expression receiver: (_) @receiver method: (identifier) @call)
    (call_expression function: (identifier) @call)
    (preproc_include) @import`,
  csharp: `
    (invocation_expression function: [
      (identifier) @call
      (generic_name (identifier) @call)
      (member_access_expression expression: (_) @receiver name: [(identifier) @call (generic_name (identifier) @call)])
      (member_access_expression "this" @receiver name: [(identifier) @call (generic_name (identifier) @call)])
      (conditional_access_expression condition: (_) @receiver (member_binding_expression name: (identifier) @call))
    ])
    (object_creation_expression type: [(identifier) @call (generic_name (identifier) @call)])
    (using_directive) @import
    (field_declaration (variable_declaration type: (_) @bound (variable_declarator name: (identifier) @field)))
    (property_declaration type: (_) @bound name: (identifier) @field)
    (local_declaration_statement (variable_declaration type: (_) @bound (variable_declarator name: (identifier) @bind)))
    (variable_declarator name: (identifier) @bind [(object_creation_expression) (invocation_expression)] @value)
    (parameter type: (_) @bound name: (identifier) @bind)`,
  ruby: `
    (call !receiver method: (identifier) @call)
    (call receiver: (_) @receiver method: (identifier) @call)
    (call method: (identifier) @_load arguments: (argument_list (string)) (#any-of? @_load "require" "require_relative" "load" "autoload")) @import
    (call method: (identifier) @_mix arguments: (argument_list [(constant) (scope_resolution)] @base) (#any-of? @_mix "include" "extend" "prepend"))
    (assignment left: (identifier) @bind right: (call) @value)
    (assignment left: (instance_variable) @field right: (call) @value)`,
  php: `
    (function_call_expression function: (name) @call)
    (member_call_expression object: (_) @receiver name: (name) @call)
    (nullsafe_member_call_expression object: (_) @receiver name: (name) @call)
    (scoped_call_expression scope: (_) @receiver name: (name) @call)
    (object_creation_expression [(name) @call (qualified_name (name) @call)])
    (namespace_use_declaration) @import
    [(require_expression) (require_once_expression) (include_expression) (include_once_expression)] @import
    (declaration_list (use_declaration [(name) (qualified_name)] @base))
    (property_declaration type: (_) @bound (property_element name: (variable_name (name) @field)))
    (property_promotion_parameter type: (_) @bound name: (variable_name (name) @field))
    (simple_parameter type: (_) @bound name: (variable_name) @bind)
    (assignment_expression left: (variable_name) @bind right: [(object_creation_expression) (function_call_expression) (scoped_call_expression)] @value)`,
  swift: `
    (call_expression . (simple_identifier) @call)
    (call_expression . (navigation_expression target: (_) @receiver suffix: (navigation_suffix suffix: (simple_identifier) @call)))
    (import_declaration) @import
    (property_declaration name: (pattern bound_identifier: (simple_identifier) @bind) (type_annotation) @bound)
    (property_declaration name: (pattern bound_identifier: (simple_identifier) @bind) value: (call_expression) @value)`,
  dart: `
    ((identifier) @call . (selector (argument_part)))
    ((selector (unconditional_assignable_selector (identifier) @call)) . (selector (argument_part)))
    (new_expression (type_identifier) @call)
    (import_or_export) @import`,
  bash: `
    (command name: (command_name (word) @call))
    (command name: (command_name (word) @_source) (#any-of? @_source "source" ".")) @import`,
  lua: `
    (function_call name: [
      (identifier) @call
      (dot_index_expression table: (_) @receiver field: (identifier) @call)
      (method_index_expression table: (_) @receiver method: (identifier) @call)
    ])
    (assignment_statement (variable_list name: (identifier)) (expression_list value: (function_call name: (identifier) @_require)) (#eq? @_require "require")) @import`,
  zig: `
    (call_expression function: [(identifier) @call (field_expression object: (_) @receiver member: (identifier) @call)])
    (variable_declaration (identifier) (builtin_function (builtin_identifier) @_import) (#eq? @_import "@import")) @import`,
  elixir: `
    (call target: (identifier) @call)
    (call target: (dot left: (_) @receiver right: (identifier) @call))
    (call target: (identifier) @_import (arguments . [(alias) (dot)]) (#any-of? @_import "alias" "import" "use" "require")) @import`,
  haskell: `
    (apply function: [(variable) @call (qualified module: (_) @receiver id: (variable) @call)])
    (import) @import`,
  ocaml: `
    (application_expression function: (value_path . (value_name) @call))
    (application_expression function: (value_path (module_path) @receiver (value_name) @call))
    (open_module) @import`,
  solidity: `
    (call_expression function: [
      (identifier) @call
      (member_expression object: (_) @receiver property: (identifier) @call)
      (new_expression name: (type_name (user_defined_type (identifier) @call)))
    ])
    (import_directive) @import`,
  powershell: `
    (command command_name: (command_name) @call)
    (invokation_expression . (_) @receiver (member_name) @call)`,
};
