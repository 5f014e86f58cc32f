// Type checks every runtime by its own tsconfig and lints the whole project, as many at once as there are cores; says all that any of them found.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const types = ['backend', 'extension', 'webviews', 'test'].map((runtime) => ({ what: `checking types: ${runtime}`, args: ['node_modules/typescript/bin/tsc', '-p', runtime, '--pretty'] }));
// The longest first.
const waiting = [{ what: 'linting', args: ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '--color', '.'] }, ...types];

async function work() {
  for (let check; (check = waiting.shift()); ) {
    const { what, args } = check;
    console.log(`> ${what}`);
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => said.push(bytes));
    const code = await new Promise((done) => child.on('close', done));
    if (code === 0) continue;
    // Whole, so that what two of them find is not mixed.
    process.stdout.write(`> ${what} found:\n${Buffer.concat(said)}`);
    process.exitCode = 1;
  }
}

await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work));
