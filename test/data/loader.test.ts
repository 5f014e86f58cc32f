/** The loader: the same batches whatever the workers, the source and the step that it starts at; broken files replaced and named. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Batch } from '../../backend/data/batch.ts';
import { openDataset } from '../../backend/data/dataset.ts';
import { loadEvaluationImages } from '../../backend/data/evaluation.ts';
import { Loader, type LoaderOptions } from '../../backend/data/loader.ts';
import { traceSample } from '../../backend/data/trace.ts';
import { InputError, RunError } from '../../backend/errors.ts';
import { jpeg, tar, temporaryFolder, twoClasses, twoViews, writeFiles } from './images.ts';

let folder = '';
let files: Record<string, Buffer> = {};

beforeAll(async () => {
  folder = join(await temporaryFolder(), 'images');
  files = await twoClasses(22);
  await writeFiles(folder, files);
});

async function load(source: string, options: Partial<LoaderOptions> = {}): Promise<Batch[]> {
  const loader = new Loader({ source, dataset: await openDataset(source), plan: twoViews, seed: 7, batchSize: 5, workers: 1, startStep: 0, steps: 6, ...options });
  const batches: Batch[] = [];
  for await (const batch of loader) batches.push(batch);
  return batches;
}

const digest = (batch: Batch) => createHash('sha256').update(JSON.stringify([batch.step, batch.epoch, [...batch.indices], batch.files, batch.labels && [...batch.labels], batch.views.map((v) => v.crops)])).update(Buffer.concat(batch.views.flatMap((v) => [v.pixels, v.mask ?? new Uint8Array()]))).digest('hex');

describe('batches', () => {
  test('have the shapes that the plan asks for', async () => {
    const [batch] = await load(folder, { steps: 1 });
    expect(batch!.files).toHaveLength(5);
    expect(batch!.views.map((v) => [v.name, v.size, v.pixels.length, v.crops.length, v.mask?.length ?? null])).toEqual([['online', 32, 5 * 32 * 32 * 3, 5, 5 * 64], ['target', 32, 5 * 32 * 32 * 3, 5, null]]);
    expect([...batch!.labels!].map((label) => ['cat', 'dog'][label])).toEqual(batch!.files.map((file) => file.split('/')[0]));
    for (let i = 0; i < 5; i++) expect(batch!.views[0]!.mask!.subarray(i * 64, (i + 1) * 64).reduce((a, b) => a + b)).toBe(38);
    expect(batch!.skipped).toEqual([]);
  });

  test('cover each sample once an epoch, in another order in the next', async () => {
    const batches = await load(folder, { steps: 8 });
    expect(batches.map((batch) => batch.epoch)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    const epochs = [0, 1].map((epoch) => batches.filter((batch) => batch.epoch === epoch).flatMap((batch) => [...batch.indices]));
    for (const epoch of epochs) expect(new Set(epoch).size).toBe(20);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  test('are the same bytes for one worker and for three', async () => {
    expect((await load(folder, { workers: 3, prefetch: 3 })).map(digest)).toEqual((await load(folder)).map(digest));
  });

  test('go on from any step as if never interrupted', async () => {
    const whole = (await load(folder, { steps: 9 })).map(digest);
    for (const startStep of [1, 4, 7]) expect((await load(folder, { steps: 9, startStep })).map(digest)).toEqual(whole.slice(startStep));
  });

  test('differ with the seed', async () => {
    expect((await load(folder, { seed: 8, steps: 1 })).map(digest)).not.toEqual((await load(folder, { steps: 1 })).map(digest));
  });

  test('are the same from a folder, a list and an archive', async () => {
    const root = await temporaryFolder();
    await writeFile(join(root, 'images.tar'), await tar(files));
    await writeFile(join(root, 'list.txt'), Object.keys(files).sort().map((name) => `${join(folder, name)} ${name.split('/')[0]}`).join('\n'));
    const pixels = (batches: Batch[]) => batches.map((batch) => Buffer.concat(batch.views.map((v) => v.pixels)).toString('base64'));
    const expected = await load(folder, { steps: 3 });
    for (const name of ['list.txt', 'images.tar']) {
      const found = await load(join(root, name), { steps: 3 });
      const order = (batches: Batch[]) => batches.flatMap((batch) => batch.files.map((file) => file.slice(-11)));
      expect(order(found)).toEqual(order(expected));
      expect(pixels(found)).toEqual(pixels(expected));
      expect(found.flatMap((b) => [...b.labels!])).toEqual(expected.flatMap((b) => [...b.labels!]));
    }
  });

  test('of a set smaller than one repeat it with other augmentations', async () => {
    const small = await temporaryFolder();
    await writeFiles(small, { 'a.jpg': await jpeg(1), 'b.jpg': await jpeg(2) });
    const [batch] = await load(small, { steps: 1, batchSize: 6 });
    expect([...batch!.indices].sort()).toEqual([0, 0, 0, 1, 1, 1]);
    const views = Array.from({ length: 6 }, (_, i) => Buffer.from(batch!.views[0]!.pixels.subarray(i * 3072, (i + 1) * 3072)).toString('base64'));
    expect(new Set(views).size).toBe(6);
    expect(batch!.labels).toBeNull();
  });
});

test('a traced sample is, byte for byte, what training gets', async () => {
  const dataset = await openDataset(folder);
  const [, batch] = await load(folder, { steps: 2 });
  for (let slot = 0; slot < 5; slot++) {
    const trace = await traceSample(dataset, twoViews, { seed: 7, epoch: batch!.epoch, index: batch!.indices[slot]! });
    trace.views.forEach((view, i) => {
      const loaded = batch!.views[i]!;
      expect(Buffer.compare(view.pixels, loaded.pixels.subarray(slot * 3072, (slot + 1) * 3072))).toBe(0);
      expect(view.crop).toEqual(loaded.crops[slot]);
      if (loaded.mask) expect([...view.mask!]).toEqual([...loaded.mask.subarray(slot * 64, (slot + 1) * 64)]);
      expect(view.ops.map((op) => op.op)).toEqual(['horizontalFlip', 'randomResizedCrop', 'colorJitter', 'grayscale', 'gaussianBlur', 'solarize']);
      const last = view.ops.filter((op) => op.pixels).at(-1)!;
      expect(Buffer.compare(last.pixels!, view.pixels)).toBe(0);
    });
  }
});

describe('broken files', () => {
  const brokenFolder = async () => {
    const root = await temporaryFolder();
    const broken = { 'cat/000.jpg': 'not an image', 'dog/003.jpg': files['dog/003.jpg']!.subarray(0, 500), 'dog/005.jpg': '' };
    await writeFiles(root, { ...files, ...broken });
    return { root, names: Object.keys(broken) };
  };

  test('are replaced, counted and named, and nothing else changes', async () => {
    const { root, names } = await brokenFolder();
    const loader = new Loader({ source: root, dataset: await openDataset(root), plan: twoViews, seed: 7, batchSize: 5, workers: 2, startStep: 0, steps: 24 });
    const whole = await load(folder, { steps: 24 });
    const batches: Batch[] = [];
    for await (const batch of loader) batches.push(batch);
    expect(new Set(batches.flatMap((batch) => batch.skipped.map((skip) => skip.file)))).toEqual(new Set(names));
    expect(loader.skippedCount).toBe(names.length);
    batches.forEach((batch, step) => {
      for (const file of batch.files) expect(names).not.toContain(file);
      whole[step]!.files.forEach((file, slot) => {
        if (names.includes(file)) return;
        expect(batch.files[slot]).toBe(file);
        expect(Buffer.compare(batch.views[0]!.pixels.subarray(slot * 3072, (slot + 1) * 3072), whole[step]!.views[0]!.pixels.subarray(slot * 3072, (slot + 1) * 3072))).toBe(0);
      });
    });
  });

  test('are replaced alike in a resumed run', async () => {
    const { root } = await brokenFolder();
    const whole = (await load(root, { steps: 8, workers: 2 })).map(digest);
    expect((await load(root, { steps: 8, startStep: 5 })).map(digest)).toEqual(whole.slice(5));
  });

  test('and nothing but them: an error that names one', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'a.jpg': 'x', 'b.png': 'y', 'c.webp': 'z' });
    await expect(load(root, { batchSize: 2 })).rejects.toThrow(InputError);
    await expect(load(root, { batchSize: 2 })).rejects.toThrow(/cannot be read, the last one .*not an image/);
  });
});

test('close ends an iteration that is waiting, and its workers', async () => {
  const loader = new Loader({ source: folder, dataset: await openDataset(folder), plan: twoViews, seed: 7, batchSize: 5, workers: 2, startStep: 0, steps: 1000 });
  const iterator = loader[Symbol.asyncIterator]();
  await iterator.next();
  const waiting = iterator.next();
  const begun = performance.now();
  await loader.close();
  await waiting;
  expect((await iterator.next()).done).toBe(true);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test('numbers that cannot work are refused', async () => {
  const dataset = await openDataset(folder);
  const options = { source: folder, dataset, plan: twoViews, seed: 7, batchSize: 5, workers: 1, startStep: 0, steps: 1 };
  expect(() => new Loader({ ...options, batchSize: 0 })).toThrow(/batchSize is 0/);
  expect(() => new Loader({ ...options, plan: { ...twoViews, patchSize: 5 } })).toThrow(InputError);
});

describe('evaluation', () => {
  test('gives the samples asked for, in that order', async () => {
    const dataset = await openDataset(folder);
    const both = await loadEvaluationImages(dataset, [3, 8], 32, 2);
    const one = await loadEvaluationImages(dataset, [8], 32, 1);
    expect(both).toHaveLength(2 * 3072);
    expect(Buffer.compare(both.subarray(3072), one)).toBe(0);
    expect(Buffer.compare(both.subarray(0, 3072), one)).not.toBe(0);
  });

  test('reports a broken file, or refuses it', async () => {
    const root = await temporaryFolder();
    await writeFiles(root, { 'a.jpg': await jpeg(1), 'b.jpg': 'broken' });
    const dataset = await openDataset(root);
    const skipped: [number, string][] = [];
    const images = await loadEvaluationImages(dataset, [0, 1], 32, 1, (position, { file }) => skipped.push([position, file]));
    expect(skipped).toEqual([[1, 'b.jpg']]);
    expect(images.subarray(3072).every((byte) => byte === 0)).toBe(true);
    await expect(loadEvaluationImages(dataset, [1], 32, 1)).rejects.toThrow(RunError);
  });
});
