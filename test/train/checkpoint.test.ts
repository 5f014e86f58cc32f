/** Checkpoints on disk: whole or not there, damage caught byte by byte, the newest whole one found. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { listCheckpoints, modelFileOf, newestCheckpoint, saveCheckpoint, sweepCheckpoints, verifyCheckpoint } from '../../backend/train/checkpoint.ts';
import { isDiskFull } from '../../backend/train/disk.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { damageNewest, savedRun, state, write } from './damage.ts';

const folder = temporaryFolder();

test('saved, listed newest first, read through, the oldest dropped', async () => {
  const path = join(folder, 'kept');
  for (const step of [5, 10, 15, 100]) expect(await saveCheckpoint(path, state(step), 3, write(step))).toBe(join(path, String(step)));
  expect((await listCheckpoints(path)).map(({ step }) => step)).toEqual([100, 15, 10]);
  expect(readdirSync(path).sort()).toEqual(['10', '100', '15']);
  expect(readdirSync(join(path, '100')).sort()).toEqual(['model.safetensors', 'optimizer.safetensors', 'state.json']);
  expect((await verifyCheckpoint(join(path, '15'))).state).toMatchObject({ ...state(15), version: 1, files: { 'model.safetensors': { bytes: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } } });
});

test('a copied folder stays valid', async () => {
  const path = await savedRun(join(folder, 'original'), 7);
  cpSync(path, join(folder, 'copied/elsewhere'), { recursive: true });
  expect((await newestCheckpoint(join(folder, 'copied/elsewhere'), () => undefined))?.state.step).toBe(7);
});

test('a save that fails leaves what was there, and nothing else', async () => {
  const path = await savedRun(join(folder, 'failing'), 1);
  await expect(saveCheckpoint(path, state(2), 1, async (into) => { await write(2)(into); throw new Error('no space'); })).rejects.toThrow('no space');
  await expect(saveCheckpoint(path, state(1), 1, write(1))).rejects.toThrow(/ENOTEMPTY|EEXIST|EPERM/);
  expect(readdirSync(path)).toEqual(['1']);
  expect((await verifyCheckpoint(join(path, '1'))).state.step).toBe(1);
});

test('what an interrupted save left is swept, other files are not', async () => {
  const path = await savedRun(join(folder, 'interrupted'), 1);
  mkdirSync(join(path, '.2.0123456789ab.partial'));
  writeFileSync(join(path, '.2.0123456789ab.partial/model.safetensors'), 'half');
  writeFileSync(join(path, 'notes.txt'), 'mine');
  expect((await listCheckpoints(path)).map(({ step }) => step)).toEqual([1]);
  expect(await sweepCheckpoints(path)).toEqual(['.2.0123456789ab.partial']);
  expect(readdirSync(path).sort()).toEqual(['1', 'notes.txt']);
});

test('the newest damaged in 120 ways: always caught, kept under another name, the one before taken', async () => {
  const path = join(folder, 'damaged');
  mkdirSync(path);
  const { cases, wrong } = await damageNewest(path, 120, 3);
  expect(wrong).toEqual([]);
  expect(Object.keys(cases)).toHaveLength(9);
});

test('a file that is not there, no manifest, and a manifest that names files outside', async () => {
  const path = await savedRun(join(folder, 'incomplete'), 1, 2, 3, 4);
  renameSync(join(path, '4/model.safetensors'), join(path, '4/other'));
  renameSync(join(path, '3/state.json'), join(path, '3/other'));
  // Whoever writes a manifest can also give it the right checksum.
  const { checksum: _old, ...manifest } = JSON.parse(readFileSync(join(path, '2/state.json'), 'utf8'));
  const hostile = { ...manifest, files: { '../1/model.safetensors': manifest.files['model.safetensors'] } };
  const checksum = createHash('sha256').update(JSON.stringify(hostile)).digest('hex');
  writeFileSync(join(path, '2/state.json'), `${JSON.stringify({ ...hostile, checksum }, null, 2)}\n`);
  const said: string[] = [];
  expect((await newestCheckpoint(path, (message) => said.push(message)))?.state.step).toBe(1);
  expect(said[0]).toContain('model.safetensors is missing');
  expect(said[1]).toContain('state.json is missing: the checkpoint was not finished');
  expect(said[2]).toContain('state.json is damaged');
});

const disk = join(folder, 'disk');
const noDisk = ((): string | null => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
  mkdirSync(disk);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk], { encoding: 'utf8' });
  return status === 0 ? null : `mount failed: ${stderr}`;
})();
if (noDisk) console.warn(`SKIPPED: saving on a disk that is full at each write in turn: ${noDisk}`);
afterAll(() => {
  if (!noDisk) spawnSync('umount', ['-l', disk]);
});

test.skipIf(noDisk !== null)('a disk that is full at each write in turn: the old checkpoint stays whole, nothing half-written stays, and a later save succeeds', async () => {
  const path = join(disk, 'checkpoints');
  const big = (step: number) => async (into: string) => {
    const tensors = ['a', 'b', 'c'].map((name) => ({ name, dtype: 'F32' as const, shape: [4096], data: new Float32Array(4096).fill(step) }));
    return { 'model.safetensors': await writeSafetensors(join(into, 'model.safetensors'), tensors), 'optimizer.safetensors': await writeSafetensors(join(into, 'optimizer.safetensors'), tensors) };
  };
  await saveCheckpoint(path, state(1), 1, big(1));
  const ballast = join(disk, 'ballast');
  let failures = 0;
  for (let free = 0; ; free += 4096) {
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - free)));
    const error = await saveCheckpoint(path, state(2), 1, big(2)).then(() => null, (thrown: unknown) => thrown);
    rmSync(ballast);
    if (error === null) break;
    failures++;
    expect(isDiskFull(error)).toBe(true);
    expect(readdirSync(path)).toEqual(['1']);
    expect((await verifyCheckpoint(join(path, '1'))).state.step).toBe(1);
  }
  expect(failures).toBeGreaterThan(20);
  expect(readdirSync(path)).toEqual(['2']);
  expect((await verifyCheckpoint(join(path, '2'))).state.step).toBe(2);
});

test('a run, a checkpoint and a file stand for a model', async () => {
  const run = join(folder, 'run');
  await saveCheckpoint(join(run, 'checkpoints'), state(3), 1, write(3));
  const model = join(run, 'checkpoints/3/model.safetensors');
  for (const path of [run, join(run, 'checkpoints/3'), model]) expect(await modelFileOf(path)).toBe(model);
  await expect(modelFileOf(folder)).rejects.toThrow('neither a checkpoint nor a run');
});
