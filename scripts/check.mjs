// Type checks every runtime by its own tsconfig and lints the whole project; the first failure ends it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const check = (what, args) => {
  console.log(`> ${what}`);
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

for (const runtime of ['backend', 'extension', 'webviews', 'test'])
  if (existsSync(join(root, runtime, 'tsconfig.json'))) check(`checking types: ${runtime}`, ['node_modules/typescript/bin/tsc', '-p', runtime]);
check('linting', ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.']);
