import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** Files and functions beyond these lengths want to be two. */
const size = (max) => ['error', { max, skipBlankLines: false, skipComments: false }];

export default ts.config(
  { ignores: ['**/.svelte-kit/**', '**/node_modules/**', '**/dist/**', '**/generated/**'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      eqeqeq: 'error',
      'max-lines': size(400),
      'max-lines-per-function': size(60),
      'no-console': ['error', { allow: ['error'] }],
      // TypeScript knows every name better than ESLint does.
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] } },
  },
  {
    files: ['**/*.svelte.ts'],
    // State here is replaced whole ($state.raw), never changed in place; formatters and timers need no reactivity.
    rules: { 'svelte/prefer-svelte-reactivity': 'off' },
  },
  {
    files: ['**/*.svelte'],
    rules: { 'max-lines': size(250), 'svelte/no-at-html-tags': 'error', 'svelte/button-has-type': 'error' },
  },
  // A suite is one function by its form only.
  { files: ['**/*.test.ts'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['tools/**', '**/*.config.js'], rules: { 'no-console': 'off' } },
);
