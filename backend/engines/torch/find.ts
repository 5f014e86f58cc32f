/** Finds libtorch on this machine: a configured path, then Python's own torch, then our runtime; and says why others do not do. */
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, parse, resolve } from 'node:path';
import type { EngineRequest } from '../engine.ts';
import { checkRuntime, runtimesFolder } from '../runtimes/folder.ts';
import { runProgram } from '../runtimes/process.ts';
import { torchRuntime } from './install.ts';
import type { TorchLocation } from './library.ts';

export interface FoundTorch extends TorchLocation {
  /** Where it comes from, e.g. `the path that was given`, `Python (/usr/bin/python3)`, `installed by siamscope`. */
  source: string;
  /** Accelerators whose libraries lie beside it. */
  accelerators: ('cuda' | 'xpu' | 'mps')[];
}

export interface RejectedTorch {
  path: string;
  reason: string;
}

export interface TorchSearch {
  /** The first that can be used, or null. */
  found: FoundTorch | null;
  rejected: RejectedTorch[];
}

const oldest = [2, 10] as const;
const pythonTimeoutMs = 5_000;
const loadTimeoutMs = 30_000;

const libraryFile = (name: string): string => (process.platform === 'win32' ? `${name}.dll` : `lib${name}.${process.platform === 'darwin' ? 'dylib' : 'so'}`);
const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

/** The version beside a library folder: of a wheel (version.py) or of the plain C++ distribution (build-version). */
async function versionOf(folder: string): Promise<string | null> {
  const python = await readFile(join(folder, '../version.py'), 'utf8').catch(() => '');
  const plain = await readFile(join(folder, '../build-version'), 'utf8').catch(() => '');
  return (/^__version__ = '([^']+)'/m.exec(python)?.[1] ?? plain.trim().split('\n')[0]) || null;
}

async function acceleratorsIn(folder: string): Promise<FoundTorch['accelerators']> {
  const found: FoundTorch['accelerators'] = [];
  if (await exists(join(folder, libraryFile('torch_cuda')))) found.push('cuda');
  if (await exists(join(folder, libraryFile('torch_xpu')))) found.push('xpu');
  if (process.platform === 'darwin' && process.arch === 'arm64') found.push('mps');
  return found;
}

/** Looks at a folder that may be torch's library folder, torch itself, or what holds it. */
async function inspect(path: string, source: string): Promise<FoundTorch | RejectedTorch> {
  const folders = [path, join(path, 'lib'), join(path, 'torch/lib')];
  let folder: string | undefined;
  for (const candidate of folders) if (await exists(join(candidate, libraryFile('torch_cpu')))) folder ??= candidate;
  if (folder === undefined) return { path, reason: `${source}: there is no ${libraryFile('torch_cpu')} in ${path} (give torch's folder, or its lib)` };
  const version = await versionOf(folder);
  if (version === null) return { path: folder, reason: `${source}: the version of the libtorch in ${folder} is not known (neither version.py nor build-version beside it)` };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) return { path: folder, reason: `torch ${version} in ${folder}: too old, ${oldest.join('.')} or later is needed` };
  return { folder, version: version.replace(/\+.*/, ''), source, accelerators: await acceleratorsIn(folder) };
}

/**
 * Whether the library loads, tried in a process of its own: a failed attempt leaves parts of it behind, beside which another
 * libtorch cannot be loaded. Returns the reason where it does not.
 */
async function loadFailure(folder: string): Promise<string | null> {
  const koffi = createRequire(import.meta.url).resolve('koffi');
  const script = 'const [koffi, ...files] = process.argv.slice(1); const { load } = require(koffi); for (const file of files) try { load(file, { global: true }); } catch (error) { console.error(`${file}: ${error.message}`); process.exit(3); } process.exit(0);';
  const { code, stderr, failure } = await runProgram(process.execPath, ['-e', script, koffi, join(folder, libraryFile('c10')), join(folder, libraryFile('torch_cpu'))], { timeoutMs: loadTimeoutMs, env: { ...process.env, NODE_OPTIONS: '' } });
  if (code === 0) return null;
  return stderr.trim().split('\n').at(-1) || failure || 'loading it ended the process';
}

/** Python interpreters in the order in which a person would expect them. */
function pythons(request: EngineRequest, env: NodeJS.ProcessEnv): string[] {
  const inEnvironment = (root: string): string => (process.platform === 'win32' ? join(root, 'Scripts/python.exe') : join(root, 'bin/python'));
  const conda = env.CONDA_PREFIX && (process.platform === 'win32' ? join(env.CONDA_PREFIX, 'python.exe') : inEnvironment(env.CONDA_PREFIX));
  if (request.python) return [request.python];
  return [...(env.VIRTUAL_ENV ? [inEnvironment(env.VIRTUAL_ENV)] : []), ...(conda ? [conda] : []), ...(process.platform === 'win32' ? ['python'] : ['python3', 'python'])];
}

/** Asks an interpreter where its torch is, without importing torch (which takes seconds), nor anything from the current folder. */
async function torchOfPython(python: string, env: NodeJS.ProcessEnv): Promise<string | RejectedTorch | null> {
  const script = 'import sys; sys.path = [p for p in sys.path if p]; import importlib.util; s = importlib.util.find_spec("torch"); print(next(iter(s.submodule_search_locations or []), "") if s else "")';
  const { code, stdout, failure, stderr } = await runProgram(python, ['-c', script], { cwd: parse(process.cwd()).root, env, timeoutMs: pythonTimeoutMs });
  if (code === 0) return stdout.trim() || null;
  if (failure?.includes('ENOENT')) return null;
  return { path: python, reason: `${python} did not answer where its torch is: ${failure ?? stderr.trim().split('\n').at(-1) ?? `exit code ${code}`}` };
}

/** An interpreter's own folder where it is a path or on PATH: the same interpreter under two names is asked once. */
async function interpreterKey(python: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (dirname(python) !== '.') return resolve(python);
  for (const folder of (env.PATH ?? '').split(delimiter)) if (folder && (await exists(join(folder, python)))) return join(folder, python);
  return python;
}

/**
 * Searches in order: the given path (`torchPath`, SIAMSCOPE_TORCH) and nothing else where there is one; the given Python, or the
 * active environment's and PATH's; our own runtimes, CUDA's first.
 */
export async function findTorch(request: EngineRequest = {}, env: NodeJS.ProcessEnv = process.env): Promise<TorchSearch> {
  const rejected: RejectedTorch[] = [];
  const given = request.torchPath ?? env.SIAMSCOPE_TORCH;
  if (given) {
    const result = await inspect(resolve(given), request.torchPath ? 'the path that was given' : 'SIAMSCOPE_TORCH');
    return 'reason' in result ? { found: null, rejected: [result] } : { found: result, rejected };
  }
  const asked = new Set<string>();
  for (const python of pythons(request, env)) {
    const key = await interpreterKey(python, env);
    if (asked.has(key)) continue;
    asked.add(key);
    const path = await torchOfPython(python, env);
    if (path === null) {
      if (request.python) rejected.push({ path: python, reason: `${python} has no torch, or there is no such program` });
      continue;
    }
    const result = typeof path === 'string' ? await inspect(path, `Python (${python})`) : path;
    if ('reason' in result) {
      rejected.push(result);
      continue;
    }
    if (asked.has(result.folder)) continue;
    asked.add(result.folder);
    const failure = await loadFailure(result.folder);
    if (failure === null) return { found: result, rejected };
    rejected.push({ path: result.folder, reason: `torch ${result.version} in ${result.folder} cannot be loaded: ${failure}` });
  }
  for (const cuda of [true, false]) {
    const runtime = torchRuntime(cuda);
    if (!runtime) continue;
    const folder = join(runtimesFolder(env), runtime.name);
    const checked = await checkRuntime(folder);
    if (checked.state === 'broken') rejected.push({ path: folder, reason: `${checked.reason}: install it again with "siamscope engine install torch${cuda ? ' --cuda' : ''}"` });
    if (checked.state !== 'whole') continue;
    const library = join(folder, 'torch/lib');
    return { found: { folder: library, version: runtime.version, source: 'installed by siamscope', accelerators: await acceleratorsIn(library) }, rejected };
  }
  return { found: null, rejected };
}
