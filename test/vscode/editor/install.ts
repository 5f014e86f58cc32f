/** Installs a real VS Code for tests where the desktop's cannot be downloaded: its server and web workbench as the package code-server holds them, with the Node that it asks for. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** VS Code 1.139.1. */
const serverVersion = '4.139.1';
/** The newest of the major that this server asks for. */
const nodeVersion = '24.21.0';
const nodeGypVersion = '11.5.0';
/** Raised when an installation made by an earlier recipe no longer serves. */
const recipe = 1;

export interface InstalledServer {
  /** The Node that runs it. */
  node: string;
  /** The script that starts it. */
  entry: string;
}

/** Where installations lie: SIAMSCOPE_VSCODE_CACHE, or a folder of the user's cache. */
export const serverCache = (): string => resolve(process.env.SIAMSCOPE_VSCODE_CACHE ?? join(homedir(), '.cache/siamscope/vscode'));

/** Why the server cannot be had on this machine; null where it can. */
export const noServer = (): string | null => (process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch) ? null : `VS Code's server is installed on Linux (x64, arm64) only, and this is ${process.platform} ${process.arch}`);

function installed(folder: string): InstalledServer | null {
  const server = { node: join(folder, 'node-bin'), entry: join(folder, 'node_modules/code-server/out/node/entry.js') };
  return existsSync(join(folder, 'done')) && existsSync(server.node) ? server : null;
}

/** Installs at need (0.8 GB, about two minutes the first time) and returns where it is. Two at once do no harm: the first to be whole stays. */
export async function installServer(say: (line: string) => void = () => undefined): Promise<InstalledServer> {
  const refusal = noServer();
  if (refusal) throw new Error(refusal);
  const cache = serverCache();
  const folder = join(cache, `server-${serverVersion}-${process.arch}-${recipe}`);
  const before = installed(folder);
  if (before) return before;

  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, '.building-'));
  const log = join(cache, 'install.log');
  await writeFile(log, '');
  try {
    await build(building, log, say);
    await writeFile(join(building, 'done'), `${new Date().toISOString()}\n`);
    await rename(building, folder).catch((error: NodeJS.ErrnoException) => {
      if (!installed(folder)) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return installed(folder)!;
}

async function build(folder: string, log: string, say: (line: string) => void): Promise<void> {
  const run = (command: string, args: string[], options: { cwd: string; env?: Record<string, string> }): Promise<void> =>
    new Promise((done, failed) => {
      execFile(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, maxBuffer: 2 ** 28, timeout: 900_000 }, (error, stdout, stderr) => {
        const output = `\n$ ${command} ${args.join(' ')}\n${stdout}${stderr}`;
        void writeFile(log, output, { flag: 'a' }).then(() => (error ? failed(new Error(`installing VS Code's server failed at "${command} ${args.join(' ')}" (log: ${log}):\n${output.split('\n').slice(-30).join('\n')}`)) : done()));
      });
    });
  const npm = async (inside: string, packages: string[] = []): Promise<void> => {
    await mkdir(inside, { recursive: true });
    if (!existsSync(join(inside, 'package.json'))) await writeFile(join(inside, 'package.json'), '{ "private": true }\n');
    await run('npm', ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error', ...packages], { cwd: inside });
  };

  say(`installing VS Code's server for tests (code-server ${serverVersion}), once, into ${dirname(folder)}`);
  const nodePackage = `node-linux-${process.arch}`;
  await npm(folder, [`code-server@${serverVersion}`, `node-gyp@${nodeGypVersion}`]);
  // A folder of its own: its package would otherwise be pruned by a later installation.
  await npm(join(folder, 'node'), [`${nodePackage}@${nodeVersion}`]);
  const nodeHome = join(folder, 'node/node_modules', nodePackage);
  const node = join(nodeHome, 'bin/node');
  await chmod(node, 0o755);
  await symlink(`node/node_modules/${nodePackage}/bin/node`, join(folder, 'node-bin'));

  say('installing VS Code\'s own modules');
  const vscode = join(folder, 'node_modules/code-server/lib/vscode');
  await npm(vscode);
  await npm(join(vscode, 'extensions'));

  // Some native modules come prebuilt; those that do not load are compiled. @vscode/sqlite3 is left out: a minute and a half, and the server never loads it.
  for (const [inside, name] of [[folder, 'argon2'], ...['@vscode/spdlog', '@vscode/native-watchdog', '@parcel/watcher', 'node-pty'].map((module) => [vscode, module])] as [string, string][]) {
    const module = join(inside, 'node_modules', name);
    if (!existsSync(module)) continue;
    const load = () => run(node, ['-e', 'require(process.argv[1])', name], { cwd: inside });
    if (await load().then(() => true, () => false)) continue;
    say(`compiling ${name}`);
    await run(node, [join(folder, 'node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', '--jobs', '2', `--nodedir=${nodeHome}`], { cwd: module, env: { npm_config_nodedir: nodeHome } });
    await load();
  }

  // What the install scripts would have done.
  for (const [source, target] of [['remote-cli/code-linux.sh', 'remote-cli/code-server'], ['helpers/browser-linux.sh', 'helpers/browser.sh']] as const)
    if (existsSync(join(vscode, 'bin', source))) await copyFile(join(vscode, 'bin', source), join(vscode, 'bin', target));
  if (!existsSync(join(vscode, 'node_modules.asar'))) await symlink('node_modules', join(vscode, 'node_modules.asar'));

  // The workbench takes an extension under development from its URL only with its smoke-test driver on, which hides notifications.
  const workbench = join(vscode, 'out/vs/code/browser/workbench/workbench.js');
  const code = await readFile(workbench, 'utf8');
  const gate = 'this.payload&&(!this.isBuilt||this.enableSmokeTestDriver)';
  if (!code.includes(gate)) throw new Error(`code-server ${serverVersion} decides otherwise than expected whether a URL may name an extension under development: look for enableSmokeTestDriver in ${workbench}`);
  await writeFile(workbench, code.replaceAll(gate, 'this.payload'));

  for (const unused of await readdir(nodeHome)) if (['include', 'share'].includes(unused)) await rm(join(nodeHome, unused), { recursive: true });
}
