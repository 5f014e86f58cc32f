/** Checkpoints as the tree lists them, from a run folder's files alone. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listCheckpoints, lossAt } from '../../extension/views/checkpoints.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const rows = 200_000;

function writeRun(name: string): string {
  const run = join(folder, name);
  mkdirSync(join(run, 'checkpoints'), { recursive: true });
  return run;
}

const checkpoint = (run: string, step: number, manifest: unknown): void => {
  const path = join(run, 'checkpoints', String(step));
  mkdirSync(path);
  if (manifest !== undefined) writeFileSync(join(path, 'state.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
};

test('newest first, with step, size, time, and the loss of that step in a long file', async () => {
  const run = writeRun('long');
  writeFileSync(join(run, 'metrics.jsonl'), Array.from({ length: rows }, (_, i) => `${JSON.stringify({ step: i + 1, loss: 1 / (i + 1), padding: 'x'.repeat(i % 90) })}\n`).join(''));
  appendFileSync(join(run, 'metrics.jsonl'), '{"step": 200001, "lo');
  const saved = '2026-01-01T10:00:00.000Z';
  for (const step of [1, 9000, rows]) checkpoint(run, step, { step, epoch: step / 10, saved, files: { 'model.safetensors': { bytes: 1000 }, 'optimizer.safetensors': { bytes: 2000 } } });
  mkdirSync(join(run, 'checkpoints', '.9001.abcdefabcdef.partial'));
  checkpoint(run, 7, undefined);
  expect(await listCheckpoints(run)).toEqual([rows, 9000, 1].map((step) => ({ folder: join(run, 'checkpoints', String(step)), step, epoch: step / 10, saved, bytes: 3000, loss: 1 / step })));
});

test('every step\'s loss is found, and none where there is none', async () => {
  const path = join(folder, 'metrics.jsonl');
  writeFileSync(path, Array.from({ length: 500 }, (_, i) => `${JSON.stringify({ step: 2 * i + 1, loss: i === 3 ? 'NaN' : i, padding: 'x'.repeat((i * 37) % 300) })}\n`).join(''));
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let i = 0; i < 500; i++) expect(await lossAt(file, size, 2 * i + 1)).toBe(i === 3 ? null : i);
    for (const step of [0, 2, 500, 1000, 5000]) expect(await lossAt(file, size, step)).toBeNull();
    expect(await lossAt(file, 0, 1)).toBeNull();
  } finally {
    await file.close();
  }
});

test('a damaged manifest leaves unknown what it would say; a run without checkpoints has none', async () => {
  const run = writeRun('damaged');
  for (const [step, manifest] of [[1, '{'], [2, '[]'], [3, { files: { a: { bytes: -1e400 }, b: 'x' }, saved: 5, epoch: '2' }], [4, 'null']] as const) checkpoint(run, step, manifest);
  expect(await listCheckpoints(run)).toEqual([4, 3, 2, 1].map((step) => ({ folder: join(run, 'checkpoints', String(step)), step, epoch: null, saved: null, bytes: 0, loss: null })));
  expect(await listCheckpoints(join(folder, 'nowhere'))).toEqual([]);
});
