// From a fresh clone to a running command with nothing installed before: `npm start`, `npm test`, `npm run test:vscode`, `npm run package`, `npm run bench`.
// Checks Node, installs what package-lock.json pins when that is needed, builds, and goes on. Uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const [action, ...rest] = process.argv.slice(2);
const oldestNode = [20, 9];

const say = (line) => console.log(`> ${line}`);
const stop = (line, code = 1) => {
  console.error(line);
  process.exit(code);
};

/** Runs a program in the project's folder, its output shown; ends with its exit code where it fails. */
function run(command, args) {
  const { status, error, signal } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) stop(`${command} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
}
const node = (...args) => run(process.execPath, args);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) stop(`siamscope needs Node ${oldestNode.join('.')} or later, and this is ${process.version} (${process.execPath}): install a newer one`);

const actions = {
  start: () => node('dist/siamscope.mjs', 'demo', ...rest),
  bench: () => node('bench/run.mjs', ...rest),
  test: () => {
    node('scripts/check.mjs');
    say('running the tests');
    node('node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./scripts/summaryReporter.mjs', ...rest);
  },
  'test:vscode': () => {
    say('running the tests in a real VS Code');
    node('node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vscode/vitest.config.ts', '--reporter=default', '--reporter=./scripts/summaryReporter.mjs', ...rest);
  },
  package: () => node('scripts/package.mjs', ...rest),
};
if (!actions[action]) stop(`usage: node scripts/bootstrap.mjs ${Object.keys(actions).join('|')} [arguments]`, 2);

// What node_modules was installed from: the lock file's hash, and the platform for its native parts.
const stampFile = join(root, 'node_modules/.siamscope-installed');
const stamp = `${createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')} ${process.platform} ${process.arch}`;
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  say('installing packages (npm ci)');
  // No package of ours needs its install script: native parts come prebuilt as packages of their own.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if (process.env.npm_execpath) node(process.env.npm_execpath, ...args);
  else run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  writeFileSync(stampFile, stamp);
}
say('building');
node('scripts/build.mjs');
actions[action]();
