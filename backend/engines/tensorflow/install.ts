/**
 * TensorFlow's engine built from package registries alone: @tensorflow/tfjs-node by npm without its scripts (they download an old
 * library from a host that closed networks do not reach), the C++ libraries of a current TensorFlow wheel, and the small binding
 * between them compiled here by the node-gyp that comes with npm.
 */
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { InputError, RunError } from '../../errors.ts';
import { fileSha256 } from '../runtimes/packageClient.ts';
import { installRuntime, type InstallOptions, type RuntimeSpec } from '../runtimes/install.ts';
import { runtimeName, thisPlatform, type Pins } from '../runtimes/pins.ts';
import { runProgram } from '../runtimes/process.ts';
import type { ExtractedFile } from '../runtimes/wheel.ts';
import npmLock from './npm/package-lock.json' with { type: 'json' };
import npmPackage from './npm/package.json' with { type: 'json' };
import pinned from './runtimes.json' with { type: 'json' };

const pins: Pins = pinned;
const packagePath = 'node_modules/@tensorflow/tfjs-node';
const wayOut = 'or use --engine torch, or --engine wasm, which is slow';
/** What npm adds. */
const packagesBytes = 350e6;

/** What is built on this platform; null where TensorFlow publishes no wheel with C++ headers for it. */
export function tensorflowRuntime(platform = thisPlatform()): RuntimeSpec | null {
  const wheels = pins.platforms[platform]?.cpu;
  return wheels ? { title: `TensorFlow ${pins.version}`, name: runtimeName('tensorflow', pins.version, wheels, platform), version: pins.version, python: pins.python, wheels, wayOut, buildBytes: packagesBytes, build } : null;
}

/** npm's folder: of the npm that runs us, of this Node, or of the npm on PATH. */
function npmFolder(): string {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'npm')).find((path) => existsSync(path));
  const beside = dirname(process.execPath);
  const candidates = [process.env.npm_execpath && dirname(dirname(process.env.npm_execpath)), join(beside, '../lib/node_modules/npm'), join(beside, 'node_modules/npm'), onPath && dirname(dirname(realpathSync(onPath)))];
  const found = candidates.find((folder) => folder && existsSync(join(folder, 'bin/npm-cli.js')) && existsSync(join(folder, 'node_modules/node-gyp/bin/node-gyp.js')));
  if (!found) throw new RunError('npm was not found: building the binding needs it');
  return found;
}

/** Runs a step; its own last lines are the reason where it fails. */
async function step(what: string, command: string, args: string[], cwd: string, signal: AbortSignal | undefined): Promise<void> {
  const { code, stdout, stderr, failure } = await runProgram(command, args, { cwd, signal });
  if (code === 0) return;
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => /error|ERR!|not found|No space/i.test(line));
  throw new RunError(`${what} failed: ${failure ?? (lines.slice(0, 3).join('; ').slice(0, 400) || `exit code ${code}`)}`);
}

/** Throws before anything is downloaded where the binding could not be compiled. */
async function checkTools(): Promise<void> {
  npmFolder();
  for (const [tool, arg] of [['python3', '--version'], ['make', '--version'], [process.env.CXX ?? 'c++', '--version']] as const)
    if ((await runProgram(tool, [arg], { timeoutMs: 10_000 })).code !== 0) throw new RunError(`compiling the binding needs python3, make and a C++ compiler, and "${tool}" is not there; install them (on Debian and Ubuntu: build-essential), ${wayOut}`);
}

/** Where Node's headers lie on this machine, as node-gyp's option; without them node-gyp fetches them itself. */
function headersOption(): string[] {
  const prefix = [dirname(dirname(realpathSync(process.execPath))), '/usr', '/usr/local'].find((folder) => existsSync(join(folder, 'include/node/node_api.h')));
  return prefix ? [`--nodedir=${prefix}`] : [];
}

async function build(folder: string, files: ExtractedFile[], { onProgress, signal }: InstallOptions): Promise<ExtractedFile[]> {
  const npm = npmFolder(), target = join(folder, packagePath);
  onProgress?.({ phase: 'building', message: 'installing @tensorflow/tfjs-node with npm' });
  await writeFile(join(folder, 'package.json'), JSON.stringify(npmPackage));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(npmLock));
  await step('npm', process.execPath, [join(npm, 'bin/npm-cli.js'), 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], folder, signal);

  // The package looks for its library under names of its own; the binding then asks for the wheel's.
  const library = join(target, 'deps/lib');
  await mkdir(library, { recursive: true });
  await rename(join(folder, 'tensorflow/include'), join(target, 'deps/include'));
  for (const [wheelName, linkName] of [['libtensorflow_cc.so.2', 'libtensorflow.so'], ['libtensorflow_framework.so.2', 'libtensorflow_framework.so']] as const) {
    await rename(join(folder, 'tensorflow', wheelName), join(library, wheelName));
    await symlink(wheelName, join(library, linkName));
  }
  await rm(join(folder, 'tensorflow'), { recursive: true });

  onProgress?.({ phase: 'building', message: 'compiling the binding' });
  const binding = 'lib/napi-v8/tfjs_binding.node';
  const options = ['--module_name=tfjs_binding', `--module_path=${join(target, dirname(binding))}`, '--napi_build_version=8', ...headersOption()];
  await step('compiling the binding', process.execPath, [join(npm, 'node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', ...options], target, signal);
  await rm(join(target, 'build'), { recursive: true });
  await rm(join(target, 'deps/include'), { recursive: true });

  const libraries = files.filter((file) => file.path.includes('.so.')).map((file) => ({ ...file, path: `${packagePath}/deps/lib/${file.path.split('/').at(-1)}` }));
  const built = join(target, binding);
  return [...libraries, { path: `${packagePath}/${binding}`, bytes: (await stat(built)).size, sha256: await fileSha256(built, signal) }];
}

/** Builds the engine (about 20 s and 1.3 GB) and returns its folder. Throws RunError, or InputError where there is none to build. */
export async function installTensorflow(options: InstallOptions = {}): Promise<string> {
  const spec = tensorflowRuntime();
  if (!spec) throw new InputError(`TensorFlow cannot be built for ${thisPlatform()}: install @tensorflow/tfjs-node yourself and name its folder in SIAMSCOPE_TENSORFLOW, ${wayOut}`);
  await checkTools();
  return installRuntime(spec, options);
}
