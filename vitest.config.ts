import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/** What measures the machine: one file after the other, with all cores. */
const alone = ['test/webviews/{augmentation,checkpoint,correspondence,curves,looks}.browser.test.ts', 'test/engines/doctor.test.ts', 'test/data/bench.test.ts', 'test/server/*.test.ts'];
const common = { testTimeout: 120_000, hookTimeout: 300_000, pool: 'forks' as const };

export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'alone', include: alone, exclude: [...configDefaults.exclude, 'test/vscode/**'], fileParallelism: false, sequence: { groupOrder: 1 } } },
      // Engines use every core that they see: each worker sees one, and timings stay true.
      { test: { ...common, name: 'side by side', include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, 'test/vscode/**', ...alone], maxWorkers: Math.min(4, availableParallelism()), globalSetup: ['test/helpers/installTorch.ts'], setupFiles: ['test/helpers/ownCore.ts'], sequence: { groupOrder: 0 } } },
    ],
  },
});
