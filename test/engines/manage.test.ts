/** What `siamscope engine` stands on. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installEngine, listEngines, listRuntimes, removeEngine } from '../../backend/engines/manage.ts';
import { InputError } from '../../backend/errors.ts';
import { testTorchPath } from '../helpers/engines.ts';

test('lists the engines with where they come from, and the runtimes with their state', async () => {
  const torchPath = await testTorchPath();
  const [torch, tensorflow, wasm] = await listEngines({ torchPath });
  expect(torch).toMatchObject({ name: 'torch', path: torchPath, note: 'the path that was given' });
  expect(tensorflow!.path === null ? tensorflow!.note : 'here').toMatch(/not installed|here/);
  expect(wasm).toMatchObject({ name: 'wasm', path: null });
  if (process.env.SIAMSCOPE_TORCH) return console.log('skipped: the installed runtime (SIAMSCOPE_TORCH takes its place)');
  const [runtime] = await listRuntimes();
  expect(runtime).toMatchObject({ title: expect.stringMatching(/^torch \d/), state: 'whole', reason: '' });
  expect(runtime!.bytes).toBeGreaterThan(1e8);
});

test('the installed torch has the hashes that were installed', async () => {
  if (process.env.SIAMSCOPE_TORCH) return console.log('skipped: SIAMSCOPE_TORCH takes the place of the installed runtime');
  await testTorchPath();
  for (const runtime of await listRuntimes({ full: true })) expect(runtime).toMatchObject({ state: expect.stringMatching(/^(whole|absent)$/), reason: '' });
});

test('installs only what there is', async () => {
  await expect(installEngine('wasm')).rejects.toThrow(InputError);
  await expect(installEngine('../x')).rejects.toThrow(/there is no engine "..\/x" to install: torch or tensorflow/);
  await expect(installEngine('tensorflow', { cuda: true })).rejects.toThrow(/--cuda goes with the torch engine/);
});

test('removes an engine\'s runtimes, and nothing beside them', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'manage-')), before = process.env.XDG_CACHE_HOME;
  const root = join(cache, 'siamscope/runtimes');
  for (const name of ['torch-1.0-x', 'torch-2.0-x', 'tensorflow-1.0-x']) {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, 'manifest.json'), '{}');
  }
  process.env.XDG_CACHE_HOME = cache;
  try {
    expect((await removeEngine('torch')).sort()).toEqual([join(root, 'torch-1.0-x'), join(root, 'torch-2.0-x')]);
    expect(await readdir(root)).toEqual(['tensorflow-1.0-x']);
    await expect(removeEngine('..')).rejects.toThrow(InputError);
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(cache, { recursive: true });
  }
});
