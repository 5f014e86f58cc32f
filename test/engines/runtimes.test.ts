/** Our own runtimes, installed by the machine's real pip from small wheels in a folder: whole, or not at all. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { checkRuntime, runtimesFolder } from '../../backend/engines/runtimes/folder.ts';
import { installRuntime, type InstallProgress, type RuntimeSpec } from '../../backend/engines/runtimes/install.ts';
import { explainFailure, findPackageClient } from '../../backend/engines/runtimes/packageClient.ts';
import { runtimeName } from '../../backend/engines/runtimes/pins.ts';
import { RunError } from '../../backend/errors.ts';
import { Random } from '../../backend/random.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { leastTime } from '../helpers/expectWithin.ts';
import { wallTime } from '../helpers/slowness.ts';
import { wheel } from '../helpers/wheels.ts';

const members = [{ name: 'small/lib/libone.so', data: Buffer.alloc(3 << 20, 'one') }, { name: 'small/lib/libtwo.so', data: 'two' }, { name: 'small/__init__.py', data: '' }];
const small = wheel('siamscope-small', '1.0', members);
const spec: RuntimeSpec = {
  title: 'small 1.0',
  name: '',
  version: '1.0',
  python: { version: '3.12', abi: 'cp312' },
  wheels: [{ name: 'siamscope-small', version: '1.0', tag: 'any', sha256: small.sha256, bytes: small.bytes.length, keptBytes: (3 << 20) + 3, members: ['small/lib/*.so'] }],
  wayOut: 'or do without',
};
spec.name = runtimeName('small', '1.0', spec.wheels);

let root: string, index: string, cache: string, program: string, folder: string;
const env = (): NodeJS.ProcessEnv => ({ ...process.env, XDG_CACHE_HOME: cache, PIP_NO_INDEX: '1', PIP_FIND_LINKS: index, PIP_CONFIG_FILE: '/dev/null' });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runtimes-'));
  index = join(root, 'index');
  await mkdir(index);
  await writeFile(join(index, small.fileName), small.bytes);
  program = await bundleProgram(root, 'installer', `
    import { readFileSync } from 'node:fs';
    import { installRuntime } from '#/backend/engines/runtimes/install.ts';
    const phases = new Set<string>();
    console.log(await installRuntime(JSON.parse(readFileSync(process.argv[2]!, 'utf8')), { onProgress: (p) => { if (!phases.has(p.phase)) console.log(p.phase); phases.add(p.phase); } }));`);
  await writeFile(join(root, 'spec.json'), JSON.stringify(spec));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  cache = await mkdtemp(join(root, 'cache-'));
  folder = join(runtimesFolder(env()), spec.name);
});

const install = (changes: Partial<RuntimeSpec> = {}, environment = env()): Promise<string> => installRuntime({ ...spec, ...changes }, { env: environment });
const startProgram = (): ReturnType<typeof spawn> => spawn(process.execPath, [program, join(root, 'spec.json')], { env: env(), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
const left = async (): Promise<string[]> => (await readdir(runtimesFolder(env()))).filter((name) => name !== spec.name);

test('installs what is pinned and leaves nothing else; the second call finds it', async () => {
  const seen: InstallProgress[] = [];
  expect(await installRuntime(spec, { env: env(), onProgress: (progress) => seen.push(progress) })).toBe(folder);
  expect(await readFile(join(folder, 'small/lib/libone.so'))).toEqual(members[0]!.data);
  expect((await readdir(folder, { recursive: true })).sort()).toEqual(['manifest.json', 'small', 'small/lib', 'small/lib/libone.so', 'small/lib/libtwo.so']);
  expect(await left()).toEqual([]);
  expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['downloading', 'unpacking', 'done']);
  expect(await leastTime(100, wallTime, () => install())).toBeLessThan(100);
});

test('a package with another hash is refused, by name, with the way out', async () => {
  const wheels = [{ ...spec.wheels[0]!, sha256: '0'.repeat(64) }];
  const failure = (await install({ wheels, name: 'small-other' }).catch((error: unknown) => error)) as Error;
  expect(failure).toBeInstanceOf(RunError);
  expect(failure.message).toMatch(/small 1\.0 could not be installed: .*siamscope-small 1\.0: .*does not have the pinned hash.*Nothing was installed; or do without/s);
  expect(await checkRuntime(join(runtimesFolder(env()), 'small-other'))).toEqual({ state: 'absent' });
});

test('a package that the index does not have, and an index that cannot be reached', async () => {
  const wheels = [{ ...spec.wheels[0]!, version: '2.0' }];
  await expect(install({ wheels })).rejects.toThrow(/could not download siamscope-small 2\.0: No matching distribution found/);
  const unreachable = { ...env(), PIP_NO_INDEX: undefined, PIP_FIND_LINKS: undefined, PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1' };
  await expect(install({}, unreachable)).rejects.toThrow(/the package index cannot be reached/);
  expect(explainFailure('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')).toBe('the disk is full');
});

test('without pip and uv it says what is needed', async () => {
  const bare = { ...env(), PATH: join(root, 'nothing') };
  expect(await findPackageClient(undefined, bare)).toBeNull();
  await expect(install({}, bare)).rejects.toThrow(/neither pip nor uv works on this machine/);
});

test('uv runs pip where there is no other', async () => {
  const bin = join(root, 'bin');
  await mkdir(bin, { recursive: true });
  // A uv that does what \`uv tool run --quiet --from pip pip ...\` does, with this machine's pip.
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
  await writeFile(join(bin, 'uv'), `#!/bin/sh\n[ "$1 $2 $3 $4 $5 $6" = "tool run --quiet --from pip pip" ] || exit 2\nshift 6\nexec ${python} -m pip "$@"\n`, { mode: 0o755 });
  const client = await findPackageClient(undefined, { ...env(), PATH: `${bin}:/nonexistent`, UV_INDEX_URL: 'http://mirror.example/simple' });
  // Without PATH the shell itself is found by its absolute name.
  expect(client?.name).toMatch(/^pip \S+ \(uv\)$/);
  expect(client?.env.PIP_INDEX_URL).toBe('http://mirror.example/simple');
  expect(await install({}, { ...env(), PATH: `${bin}:/nonexistent` })).toBe(folder);
});

test('too little room is said before anything is fetched', async () => {
  await expect(install({ buildBytes: 1e18 })).rejects.toThrow(/has \d+ MB free, and installing small 1\.0 needs \d+ MB.*XDG_CACHE_HOME/);
});

test('a disk that fills up leaves nothing behind', async (context) => {
  const disk = join(root, 'disk');
  await mkdir(disk);
  if (process.platform !== 'linux' || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status !== 0) {
    console.log('skipped: a small disk cannot be mounted here (needs Linux and the rights to mount)');
    return context.skip();
  }
  try {
    // The wheel itself is tiny (it compresses well), what it holds and claims not to be is not.
    const failure = (await install({ wheels: [{ ...spec.wheels[0]!, keptBytes: 0 }] }, { ...env(), XDG_CACHE_HOME: disk }).catch((error: unknown) => error)) as Error | string;
    const filler = join(disk, 'filler');
    expect(typeof failure).toBe('string'); // 3 MB fit
    await rm(join(disk, 'siamscope'), { recursive: true });
    await writeFile(filler, Buffer.alloc(2 << 20));
    await expect(install({ wheels: [{ ...spec.wheels[0]!, keptBytes: 0 }] }, { ...env(), XDG_CACHE_HOME: disk })).rejects.toThrow(/the disk of .* is full: free some space.*Nothing was installed; or do without/);
    expect((await readdir(join(disk, 'siamscope/runtimes'))).filter((name) => name !== '.downloads')).toEqual([]);
    await rm(filler);
    await install({ wheels: [{ ...spec.wheels[0]!, keptBytes: 0 }] }, { ...env(), XDG_CACHE_HOME: disk });
  } finally {
    spawnSync('umount', [disk]);
  }
});

test('a changed library is found, and installed again', async () => {
  await install();
  const path = join(folder, 'small/lib/libtwo.so');
  await writeFile(path, 'owt');
  expect(await checkRuntime(folder)).toMatchObject({ state: 'broken', reason: expect.stringMatching(/libtwo\.so is not what was installed/) });
  await install();
  expect(await readFile(path, 'utf8')).toBe('two');
  await appendFile(path, 'x');
  expect(await checkRuntime(folder)).toMatchObject({ state: 'broken', reason: expect.stringMatching(/has 4 bytes, not 3/) });
  await rm(path);
  expect(await checkRuntime(folder)).toMatchObject({ state: 'broken', reason: expect.stringMatching(/is missing/) });
});

test('a change that keeps size and time is found by the full check', async () => {
  await install();
  const path = join(folder, 'small/lib/libtwo.so');
  const { files } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { files: { path: string; modified: number }[] };
  await writeFile(path, 'owt');
  const time = files.find((file) => file.path.endsWith('libtwo.so'))!.modified / 1000;
  await utimes(path, time, time);
  expect(await checkRuntime(folder)).toMatchObject({ state: 'whole' });
  expect(await checkRuntime(folder, true)).toMatchObject({ state: 'broken' });
});

test('a copied runtime is whole, and is hashed only once', async () => {
  await install();
  const copy = join(root, 'copy');
  await cp(folder, copy, { recursive: true });
  expect(await checkRuntime(copy)).toMatchObject({ state: 'whole' });
  await symlink(copy, join(root, 'link'));
  expect(await checkRuntime(join(root, 'link'))).toMatchObject({ state: 'whole' });
});

test('a manifest that names a path outside, or is cut, makes the runtime broken', async () => {
  await install();
  const path = join(folder, 'manifest.json'), text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('small/lib/libtwo.so', '../../../../etc/passwd'));
  expect(await checkRuntime(folder)).toMatchObject({ state: 'broken' });
  await writeFile(path, text.slice(0, 50));
  expect(await checkRuntime(folder)).toMatchObject({ state: 'broken' });
});

test('an abort ends pip too and leaves nothing; the next call goes through', async () => {
  for (const delay of [0, 150, 400]) {
    const controller = new AbortController();
    const done = installRuntime(spec, { env: env(), signal: controller.signal }).then(() => 'installed', (error: Error) => error.name);
    await sleep(delay);
    controller.abort();
    expect(['installed', 'AbortError']).toContain(await done);
    expect(await left().catch(() => [])).not.toContainEqual(expect.stringMatching(/^\.partial|^\.lock/));
  }
  expect(await install()).toBe(folder);
});

test('four installers at once: one works, the others wait and use what it made', async () => {
  const output = await Promise.all([1, 2, 3, 4].map(async () => {
    const child = startProgram();
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(child, 'close');
    return text;
  }));
  for (const text of output) expect(text.trim().split('\n').at(-1)).toBe(folder);
  expect(output.filter((text) => text.includes('downloading'))).toHaveLength(1);
  expect(await left()).toEqual([]);
});

test('killed at 15 seeded points: the pinned bytes or nothing, and the next start goes on', async () => {
  const random = new Random(13, 1);
  const outcomes = { absent: 0, whole: 0 };
  for (let i = 0; i < 15; i++) {
    const child = startProgram();
    await sleep(random.uniform(50, 2500));
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // it was done already
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    const { state } = await checkRuntime(folder, true);
    expect(['absent', 'whole']).toContain(state);
    outcomes[state as 'absent' | 'whole']++;
    if (state === 'whole') await rm(folder, { recursive: true });
  }
  console.log(`killed: ${outcomes.absent} times nothing, ${outcomes.whole} times the whole runtime`);
  expect(await install()).toBe(folder);
  expect(await left()).toEqual([]);
});
