// What the compiler cannot see. Layout is prettier's work, imports between folders are dependency-cruiser's.
import tseslint from 'typescript-eslint';

const product = [
  'cloud/**',
  'core/**',
  'syntax/**',
  'protocol/**',
  'server/**',
  'cli/**',
  'extension/**',
  'webview/**',
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.tsbuild/', '.e2e/', 'node_modules/', 'test/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // An async function without await is how a synchronous implementation fits an asynchronous interface.
      '@typescript-eslint/require-await': 'off',
      // `${count}` and `${error}` are fine; `${object}` is not.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: false },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs,ts}'],
    languageOptions: { ecmaVersion: 2023 },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-debugger': 'error',
      'object-shorthand': 'error',
      // A factory counts with all its closures; no single one of them comes near.
      'max-lines-per-function': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 4],
      // Names and contents of files are cleaned of control characters on purpose.
      'no-control-regex': 'off',
      'max-params': ['error', 6],
      complexity: ['error', { max: 20, variant: 'modified' }],
    },
  },
  {
    // stdout belongs to LSP and MCP in those processes; the engine reports through its injected log.
    files: product,
    ignores: ['cli/output/**', 'cli/main.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['test/**'],
    rules: {
      // A describe() block is a chapter, not a function.
      'max-lines-per-function': 'off',
      // Tests hold promises in assert.rejects and read untyped JSON of programs they run.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
