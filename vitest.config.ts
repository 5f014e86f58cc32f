import { defineConfig } from 'vitest/config';

// Files run one after the other: each engine test uses every core, and timings would lie otherwise.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], exclude: ['test/vscode/**'], testTimeout: 120_000, hookTimeout: 300_000, pool: 'forks', fileParallelism: false },
});
