// The full count of bar 19: 100,000 mutants of each image format through the decoding workers (hours; CI runs a sample):
//   node bench/hostile_images.mjs [COUNT]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const env = { ...process.env, SIAMSCOPE_MUTANTS: process.argv[2] ?? '100000' };
for (const command of [['scripts/build.mjs'], ['node_modules/vitest/vitest.mjs', 'run', 'test/data/hostile.test.ts', '-t', 'mutants']]) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
