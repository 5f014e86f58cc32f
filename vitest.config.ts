import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/** What measures the machine, or lays hands on what all share: one file after the other, with all cores. */
const alone = ['test/**/*.browser.test.ts', 'test/engines/*.test.ts', 'test/cli/limits.test.ts', 'test/data/bench.test.ts', 'test/server/*.test.ts', 'test/train/tensorBoard*.test.ts'];
const common = { testTimeout: 120_000, hookTimeout: 300_000, pool: 'forks' as const };

export default defineConfig({
  test: {
    projects: [
      // First: it installs engines, which the others find.
      { test: { ...common, name: 'alone', include: alone, exclude: [...configDefaults.exclude, 'test/vscode/**'], fileParallelism: false, sequence: { groupOrder: 0 } } },
      // Engines use every core that they see: each worker sees one, and timings stay true.
      { test: { ...common, name: 'side by side', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, 'test/vscode/**', ...alone], maxWorkers: Math.min(4, availableParallelism()), setupFiles: ['test/helpers/ownCore.ts'], sequence: { groupOrder: 1 } } },
    ],
  },
});
