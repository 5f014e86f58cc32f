// The full count of bar 19: 100,000 mutants of each image format through the decoding workers (hours; CI runs a sample):
//   node bench/hostile_images.mjs [COUNT=100000] [FIRST=0] [MINUTES]
// In slices, each of which prints its counts and, when it is through, from which mutant to go on: what is interrupted, or has had its
// minutes, is gone on with by FIRST.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const [count = 100_000, first = 0, minutes = Infinity] = process.argv.slice(2).map(Number);
const slice = 2500, root = join(import.meta.dirname, '..'), begun = performance.now();

function run(command, more = {}) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, env: { ...process.env, ...more }, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

run(['scripts/build.mjs']);
for (let from = first; from < first + count && performance.now() - begun < minutes * 60_000; from += slice) {
  const mutants = Math.min(slice, first + count - from);
  run(['node_modules/vitest/vitest.mjs', 'run', 'test/data/hostile.test.ts', '-t', 'mutants'], { SIAMSCOPE_MUTANTS: String(mutants), SIAMSCOPE_FIRST_MUTANT: String(from) });
  console.log(`${mutants} mutants of each format from number ${from} on are through, ${Math.round((performance.now() - begun) / 1000)} s so far; the next is ${from + mutants}`);
}
