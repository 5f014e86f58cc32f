import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Tests in a real VS Code; `npm test` runs the others. One file after the other: each opens editors and trains.
// Tried again once where one fails: on a busy machine a window may take longer than a test waits.
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: { include: ['test/vscode/**/*.test.ts'], globalSetup: ['test/vscode/setup.ts'], testTimeout: 180_000, retry: 1, hookTimeout: 300_000, pool: 'forks', fileParallelism: false },
});
