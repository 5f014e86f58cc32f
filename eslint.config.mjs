// Type-aware lint for every runtime, and the direction of imports between and within them (docs/architecture.md).
import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/** Nothing in `target` may import from `from`. */
const zone = (target, from, message, except) => ({ target, from, message, ...(except ? { except } : {}) });

const zones = [
  zone('./extension', './backend', 'the extension knows only backend/protocol.ts, the readers of backend/formats, what both ends of a run share in backend/link, and what reads a study\'s files', ['./protocol.ts', './protocol', './formats', './link', './errors.ts', './study/reading.ts']),
  zone('./webviews', './backend', 'webviews know only backend/protocol.ts', ['./protocol.ts', './protocol']),
  zone('./extension', './webviews', 'webviews reach the extension as bundles'),
  zone('./webviews', './extension', 'a webview talks by messages'),
  zone('./backend', './extension', 'the backend is plain Node'),
  zone('./backend', './webviews', 'the backend is plain Node'),
  zone('./backend/engines', ['./backend/ops', './backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/data', './backend/augment', './backend/optim'], 'engines are the lowest layer', []),
  zone('./backend/ops', ['./backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/data', './backend/augment', './backend/optim'], 'ops stand on engines alone'),
  zone('./backend/nn', ['./backend/methods', './backend/train', './backend/evaluate', './backend/data'], 'nn stands on ops'),
  zone('./backend/methods', ['./backend/train', './backend/evaluate', './backend/data'], 'methods stand on nn'),
  zone('./backend/data', ['./backend/ops', './backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/engines', './backend/optim'], 'data stands beside methods'),
  zone('./backend/augment', ['./backend/ops', './backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/engines', './backend/optim'], 'augment stands beside methods'),
  zone('./backend/link', ['./backend/ops', './backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/engines', './backend/data', './backend/augment', './backend/optim', './backend/server'], 'both ends of a run share it'),
  zone('./backend/formats', ['./backend/ops', './backend/nn', './backend/methods', './backend/train', './backend/evaluate', './backend/engines', './backend/data', './backend/augment', './backend/optim'], 'formats stand alone'),
];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'runs/', 'backend/augment/kernels/', '.cache/'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: ['backend/tsconfig.json', 'extension/tsconfig.json', 'webviews/tsconfig.json', 'test/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones: zones.map(({ except, ...z }) => (except?.length ? { ...z, except } : z)) }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  // A message may come from anywhere: tests read JSON freely.
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-member-access': 'off', '@typescript-eslint/no-unsafe-argument': 'off', '@typescript-eslint/no-unsafe-return': 'off', '@typescript-eslint/no-unsafe-call': 'off' } },
);
