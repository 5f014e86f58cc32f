/** Which torch is taken, and what is said of those that are not: real Python environments, with torch folders of our making. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runtimesFolder } from '../../backend/engines/runtimes/folder.ts';
import { findTorch } from '../../backend/engines/torch/find.ts';
import { torchRuntime } from '../../backend/engines/torch/install.ts';
import { testTorchPath } from '../helpers/engines.ts';

const library = process.platform === 'win32' ? 'torch_cpu.dll' : process.platform === 'darwin' ? 'libtorch_cpu.dylib' : 'libtorch_cpu.so';
let root: string, environment: string, packages: string;
/** No Python but the one in the test's environment, and an empty cache. */
const bare = (): NodeJS.ProcessEnv => ({ PATH: join(root, 'none'), HOME: root, XDG_CACHE_HOME: join(root, 'cache') });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'find-'));
  environment = join(root, 'venv');
  const made = spawnSync('python3', ['-m', 'venv', '--without-pip', environment], { encoding: 'utf8' });
  expect(made.status, made.stderr).toBe(0);
  const lib = (await readdir(join(environment, 'lib'))).find((name) => name.startsWith('python3'))!;
  packages = join(environment, 'lib', lib, 'site-packages');
});
afterAll(() => rm(root, { recursive: true }));

/** A folder that looks like torch's, with something else in place of its library. */
async function fakeTorch(folder: string, version: string): Promise<string> {
  await mkdir(join(folder, 'torch/lib'), { recursive: true });
  await writeFile(join(folder, 'torch/__init__.py'), 'raise SystemExit("torch must not be imported")\n');
  await writeFile(join(folder, 'torch/version.py'), `__version__ = '${version}'\n`);
  await writeFile(join(folder, 'torch/lib', library), 'not a library');
  return join(folder, 'torch');
}

test('nothing anywhere', async () => {
  expect(await findTorch({}, bare())).toEqual({ found: null, rejected: [] });
});

test('an old torch in the active environment is named, with its version and what is needed', async () => {
  await fakeTorch(packages, '2.9.1+cu128');
  const { found, rejected } = await findTorch({}, { ...bare(), VIRTUAL_ENV: environment });
  expect(found).toBeNull();
  expect(rejected.map(({ reason }) => reason)).toEqual([`torch 2.9.1+cu128 in ${join(packages, 'torch/lib')}: too old, 2.10 or later is needed`]);
});

test('a torch that does not load is passed over with the loader\'s reason', async () => {
  await fakeTorch(packages, '2.12.0');
  const { found, rejected } = await findTorch({ python: join(environment, 'bin/python') }, bare());
  expect(found).toBeNull();
  expect(rejected[0]!.reason).toMatch(/torch 2\.12\.0 in .* cannot be loaded: .*libc10/);
});

test('the current folder is not searched', async () => {
  const elsewhere = join(root, 'workspace');
  await fakeTorch(elsewhere, '2.12.0');
  await rm(join(packages, 'torch'), { recursive: true });
  const before = process.cwd();
  process.chdir(elsewhere);
  try {
    expect(await findTorch({}, { ...bare(), VIRTUAL_ENV: environment })).toEqual({ found: null, rejected: [] });
  } finally {
    process.chdir(before);
  }
});

test('a Python that hangs, one that fails, and one that is not there', async () => {
  const hanging = join(root, 'hanging'), failing = join(root, 'failing');
  await writeFile(hanging, '#!/bin/sh\nexec /bin/sleep 60\n', { mode: 0o755 });
  await writeFile(failing, '#!/bin/sh\necho "no such module: encodings" >&2\nexit 1\n', { mode: 0o755 });
  expect((await findTorch({ python: hanging }, bare())).rejected[0]!.reason).toMatch(/hanging did not answer where its torch is: did not end within 5 s/);
  expect((await findTorch({ python: failing }, bare())).rejected[0]!.reason).toMatch(/no such module: encodings/);
  expect((await findTorch({ python: join(root, 'absent') }, bare())).rejected[0]!.reason).toMatch(/has no torch, or there is no such program/);
});

test('a given path is taken as torch, its lib, or what holds it; a wrong one is the end of the search', async () => {
  const folder = await fakeTorch(join(root, 'given'), '2.13.0+cpu');
  for (const torchPath of [folder, join(folder, 'lib'), dirname(folder)]) expect((await findTorch({ torchPath }, bare())).found).toMatchObject({ folder: join(folder, 'lib'), version: '2.13.0', source: 'the path that was given' });
  expect((await findTorch({}, { ...bare(), SIAMSCOPE_TORCH: folder })).found).toMatchObject({ source: 'SIAMSCOPE_TORCH' });
  const wrong = await findTorch({ torchPath: root }, { ...bare(), VIRTUAL_ENV: environment });
  expect(wrong).toMatchObject({ found: null, rejected: [{ reason: expect.stringContaining(`there is no ${library} in ${root}`) }] });
  await rm(join(folder, 'version.py'));
  expect((await findTorch({ torchPath: folder }, bare())).rejected[0]!.reason).toMatch(/version .* is not known/);
  await writeFile(join(folder, 'build-version'), '2.14.0+cpu\n');
  expect((await findTorch({ torchPath: folder }, bare())).found).toMatchObject({ version: '2.14.0' });
});

test('the installed runtime is found last, and a Python that has the same libraries before it', async () => {
  const path = await testTorchPath();
  if (process.env.SIAMSCOPE_TORCH) return console.log('skipped: SIAMSCOPE_TORCH takes the place of the installed runtime');
  const cache = { XDG_CACHE_HOME: join(runtimesFolder(), '../..') };
  expect((await findTorch({}, { ...bare(), ...cache })).found).toEqual({ folder: path, version: torchRuntime(false)!.version, source: 'installed by siamscope', accelerators: process.platform === 'darwin' ? ['mps'] : [] });
  // A Python whose torch is that runtime, by a path file.
  await writeFile(join(packages, 'runtime.pth'), `${join(path, '../..')}\n`);
  await writeFile(join(path, '../__init__.py'), '', { flag: 'a' });
  try {
    expect((await findTorch({}, { ...bare(), ...cache, VIRTUAL_ENV: environment })).found).toMatchObject({ folder: path, source: `Python (${join(environment, 'bin/python')})` });
  } finally {
    await rm(join(path, '../__init__.py'));
    await rm(join(packages, 'runtime.pth'));
  }
});

test('a broken runtime is not loaded', async () => {
  const runtime = torchRuntime(false);
  if (!runtime) return console.log('skipped: there is no runtime for this platform');
  const folder = join(root, 'cache/siamscope/runtimes', runtime.name);
  await mkdir(join(folder, 'torch/lib'), { recursive: true });
  await writeFile(join(folder, 'torch/lib', library), 'x');
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ name: runtime.name, version: runtime.version, wheels: [], files: [{ path: `torch/lib/${library}`, bytes: 2, sha256: '0', modified: 0 }] }));
  const { found, rejected } = await findTorch({}, bare());
  expect(found).toBeNull();
  expect(rejected[0]!.reason).toMatch(/has 1 bytes, not 2: install it again with "siamscope engine install torch"/);
});
