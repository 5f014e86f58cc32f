/** What the process behind the augmentation lab answers: the loader's own pixels, true geometry, statistics that an independent count gives, quickly. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mapPoint, overlapShare, relativeGeometry, type Crop } from '../../backend/augment/geometry.ts';
import { opSchema } from '../../backend/augment/plan.ts';
import { openDataset } from '../../backend/data/dataset.ts';
import { imageSize } from '../../backend/data/imageSize.ts';
import { traceSample } from '../../backend/data/trace.ts';
import { relativePositionEmbedding, relativePositionParts } from '../../backend/nn/positions.ts';
import type { AugmentationCalls, LabBox, LabSource, LabView } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { viewPlanOf } from '../../backend/train/config.ts';
import { loadRun } from '../../backend/train/runFile.ts';
import { boxOf, cropOf, positionsOf } from '../../backend/views/augmentationSample.ts';
import { histogram } from '../../backend/views/augmentationStatistics.ts';
import type { ViewBackend } from '../../extension/viewBackend.ts';
import { picture } from '../data/images.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { startBackend } from '../webviews/labServer.ts';
import { writeLabRun } from './images.ts';

const root = temporaryFolder();
const random = new Random(5);

function drawnCrop(imageWidth: number, imageHeight: number): Crop {
  const width = random.integer(1, imageWidth), height = random.integer(1, imageHeight);
  return { top: random.integer(0, imageHeight - height), left: random.integer(0, imageWidth - width), width, height, flipped: random.chance(0.5), imageWidth, imageHeight };
}

describe('geometry', () => {
  test('a crop is its box and back, and a box outside the image is brought inside', () => {
    for (let i = 0; i < 500; i++) {
      const crop = drawnCrop(random.integer(1, 400), random.integer(1, 400));
      expect(cropOf(boxOf(crop), crop.imageWidth, crop.imageHeight)).toEqual(crop);
      const wild = { top: random.uniform(-900, 900), left: random.uniform(-900, 900), width: random.uniform(-50, 900), height: random.uniform(-50, 900), mirrored: random.chance(0.5) };
      const { top, left, width, height } = boxOf(cropOf(wild, crop.imageWidth, crop.imageHeight));
      expect(top >= 0 && left >= 0 && width >= 1 && height >= 1 && top + height <= crop.imageHeight && left + width <= crop.imageWidth).toBe(true);
    }
  });

  test('the likeness of position embeddings is the cosine of what the model computes', async () => {
    await tf.setBackend('cpu');
    const grid = 4, width = 32;
    for (let i = 0; i < 20; i++) {
      const a = drawnCrop(200, 150), b = { ...drawnCrop(200, 150), imageWidth: 200, imageHeight: 150 };
      const of = (crop: Crop): number[][] => (relativePositionEmbedding(relativePositionParts([relativeGeometry(a, crop)], grid, width)).arraySync() as number[][][])[0]!;
      const own = of(a), theirs = of(b);
      const { rows, columns, scale } = positionsOf(a, b, grid, width);
      theirs.forEach((x, p) => own.forEach((y, q) => {
        const dot = x.reduce((sum, value, k) => sum + value * y[k]!, 0), cosine = dot / Math.hypot(...x) / Math.hypot(...y);
        expect(rows[Math.floor(p / grid) * grid + Math.floor(q / grid)]! + columns[(p % grid) * grid + (q % grid)]! + scale).toBeCloseTo(cosine, 4);
      }));
    }
  });
});

test('a value is counted between the edges that hold it', () => {
  const edges = [0, 0.25, 0.5, 1], values = [0, 0.1, 0.25, 0.3, 0.5, 0.9, 1];
  expect(histogram(values, edges)).toMatchObject({ counts: [2, 2, 3], median: 0.3 });
});

test('sizes are told without decoding, as decoding has them', async () => {
  const folder = join(root, 'sizes');
  mkdirSync(folder);
  const turned = await sharp(await picture(1, 60, 40).jpeg().toBuffer()).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const files: [string, Buffer, number, number][] = [
    ['a.jpg', await picture(2, 70, 50).jpeg().toBuffer(), 70, 50], ['b.jpg', turned, 40, 60], ['c.png', await picture(3, 33, 21).png().toBuffer(), 33, 21],
    ['d.webp', await picture(4, 21, 34).webp().toBuffer(), 21, 34], ['e.jpg', await picture(5, 30, 20).jpeg({ progressive: true }).toBuffer(), 30, 20],
  ];
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(folder, 'f.jpg'), 'no image');
  const dataset = await openDataset(folder);
  for (const [i, [name, , width, height]] of files.entries()) expect([name, await imageSize(dataset, i)]).toEqual([name, { width, height }]);
  await expect(imageSize(dataset, 5)).rejects.toThrow(/not an image/);
});

describe('the process behind the lab', () => {
  let backend: ViewBackend<AugmentationCalls>;
  const run = writeLabRun(join(root, 'run'));
  let source: LabSource, setup: AugmentationCalls['augmentation/describe']['reply'];
  const plan = (views: unknown = setup.views) => ({ views, patchSize: setup.patchSize, sameCrop: setup.sameCrop, positionWidth: setup.positionWidth, training: setup.training, source });
  const sample = (over: object = {}, views?: unknown) => backend.ask('augmentation/sample', { ...plan(views), key: { seed: 3, epoch: 2, index: 7, drawnAs: 7 }, boxes: [], withImage: true, ...over });

  beforeAll(async () => {
    backend = startBackend();
    setup = await backend.ask('augmentation/describe', { file: { path: run.file, text: run.text }, image: null, fresh: true });
    ({ source } = setup);
  });
  afterAll(() => backend.end());

  test('describes a run file\'s pipeline and every op\'s settings from their schema', () => {
    expect(setup).toMatchObject({ method: 'siamese', masks: [{ count: 'same', needed: false }, null], cell: 'patch', patchSize: 16, sameCrop: false, seed: 3, images: 40, positionWidth: 384, source: { kind: 'dataset', path: run.images } });
    expect(setup.views.map(({ name, size, mask }) => [name, size, mask?.kind])).toEqual([['online', 224, 'block'], ['target', 224, undefined]]);
    expect(setup.ops.map(({ op }) => op)).toEqual(opSchema.options.map(({ shape }) => shape.op.value));
    const settings = Object.fromEntries(setup.ops.map(({ op, settings: own }) => [op, Object.fromEntries(own.map(({ name, kind, whole, min, max, initial }) => [name, { kind, whole, min, max, initial }]))]));
    expect(settings.gaussianBlur!.sigma).toEqual({ kind: 'range', whole: false, min: 0, max: 50, initial: [0.1, 2] });
    expect(settings.solarize!.threshold).toEqual({ kind: 'number', whole: true, min: 0, max: 256, initial: 128 });
    expect(settings.colorJitter!.hue).toMatchObject({ min: 0, max: 0.5 });
  });

  test('draws what training draws: pixels, crops, masks and parameters', async () => {
    const config = await loadRun(run.file);
    const expected = await traceSample(await openDataset(config.data.train), viewPlanOf(config), { seed: 3, epoch: 2, index: 7 });
    const reply = await sample();
    expect([reply.file, reply.label, reply.imageWidth, reply.imageHeight]).toEqual([expected.file, 'boat', 112, 112]);
    reply.views.forEach((view, i) => {
      const { crop, mask, pixels, ops } = expected.views[i]!;
      expect(view.box).toEqual(boxOf(crop));
      expect(view.mask).toEqual(mask && [...mask]);
      expect(Buffer.compare(reply.bytes.subarray(view.picture.offset, view.picture.offset + pixels.length), pixels)).toBe(0);
      expect(view.steps.map(({ op, applied, parameters, picture: after }) => [op, applied, parameters, after !== null])).toEqual(ops.map(({ op, applied, parameters, pixels: after }) => [op, applied, parameters, after !== null]));
      for (const { op, place } of view.steps) expect(place === null ? 'randomResizedCrop' : setup.views[i]!.ops[place]!.op).toBe(op);
    });
    const [a, b] = expected.views;
    expect(reply.pairs[0]).toMatchObject({ overlapOfA: overlapShare(a!.crop, b!.crop), overlapOfB: overlapShare(b!.crop, a!.crop) });
  });

  test('a crop that is placed by hand is shown, and nothing else is drawn anew', async () => {
    const before = await sample();
    const box: LabBox = { top: 5, left: 9, width: 40, height: 64, mirrored: true };
    const placed = await sample({ boxes: [null, box] });
    expect(placed.views.map(({ drawn }) => drawn)).toEqual([true, false]);
    expect(placed.views[1]!.box).toEqual(box);
    expect(placed.views[0]).toMatchObject({ box: before.views[0]!.box, mask: before.views[0]!.mask });
    expect(placed.views[1]!.steps.filter(({ op }) => !/Crop|Flip/.test(op)).map(({ parameters }) => parameters)).toEqual(before.views[1]!.steps.filter(({ op }) => !/Crop|Flip/.test(op)).map(({ parameters }) => parameters));
  });

  test('locked draws stay what they are on another image, and an op that is switched off leaves the others\' draws alone', async () => {
    const parameters = (reply: AugmentationCalls['augmentation/sample']['reply']) => reply.views.map(({ steps }) => steps.map(({ parameters: drawn }) => drawn));
    const own = await sample({ key: { seed: 3, epoch: 2, index: 11, drawnAs: 11 } });
    const locked = await sample({ key: { seed: 3, epoch: 2, index: 11, drawnAs: 7 } });
    expect(parameters(locked)).toEqual(parameters(await sample()));
    expect(parameters(locked)).not.toEqual(parameters(own));
    const off = structuredClone(setup.views);
    off[0]!.ops[1]!.p = 0;
    const switched = await sample({}, off);
    expect(parameters(switched)).toEqual(parameters(await sample()));
    expect(switched.views[0]!.steps.find(({ place }) => place === 1)!.applied).toBe(false);
  });

  test('many samples at once are the single ones, smaller, and say what they share', async () => {
    const { cards } = await backend.ask('augmentation/cards', { ...plan(), seed: 3, epoch: 2, from: 38, count: 6 });
    expect(cards.map(({ index }) => index)).toEqual([38, 39, 0, 1, 2, 3]);
    const one = await sample({ key: { seed: 3, epoch: 2, index: 1, drawnAs: 1 } });
    expect(cards[3]!.views.map(({ box }) => box)).toEqual(one.views.map(({ box }) => box));
    expect(cards[3]!.overlaps).toEqual(one.pairs.map(({ overlapOfA }) => overlapOfA));
  });

  test('statistics are those of the samples one by one', async () => {
    const samples = 80;
    const statistics = await backend.ask('augmentation/statistics', { ...plan(), seed: 3, samples });
    expect(statistics).toMatchObject({ samples, imagesMeasured: 40, unread: 0 });
    let without = 0, overlaps = 0, inA = 0, inVisible = 0;
    const masked = new Array<number>(196).fill(0);
    for (let i = 0; i < samples; i++) {
      const { views, pairs, imageWidth, imageHeight } = await sample({ withImage: false, key: { seed: 3, epoch: Math.floor(i / 40), index: i % 40, drawnAs: i % 40 } });
      without += Number(pairs[0]!.overlapOfA === 0);
      overlaps += pairs[0]!.overlapOfA;
      views[0]!.mask!.forEach((value, patch) => (masked[patch]! += value / samples));
      for (let patch = 0; patch < 196; patch++) {
        const there = mapPoint(cropOf(views[1]!.box, imageWidth, imageHeight), cropOf(views[0]!.box, imageWidth, imageHeight), { row: (Math.floor(patch / 14) + 0.5) / 14, column: ((patch % 14) + 0.5) / 14 });
        const [row, column] = [Math.floor(there.row * 14), Math.floor(there.column * 14)];
        if (row < 0 || row > 13 || column < 0 || column > 13) continue;
        inA++;
        inVisible += 1 - views[0]!.mask![row * 14 + column]!;
      }
    }
    const [pair] = statistics.pairs;
    expect(pair!.without).toBeCloseTo(without / samples, 9);
    expect(pair!.overlap.mean).toBeCloseTo(overlaps / samples, 9);
    expect(pair!.patchesInA).toBeCloseTo(inA / samples / 196, 9);
    expect(pair!.patchesInVisible).toBeCloseTo(inVisible / samples / 196, 9);
    statistics.views[0]!.masked!.forEach((share, patch) => expect(share).toBeCloseTo(masked[patch]!, 9));
    expect(statistics.views[0]!.masked!.reduce((sum, share) => sum + share, 0)).toBeCloseTo(118, 6);
    expect(statistics.views[1]!.masked).toBe(null);
  });

  test('statistics that nobody waits for any more end, and others are answered meanwhile', async () => {
    const cancellation = new CancellationTokenSource();
    let progressed = 0;
    const work = backend.ask('augmentation/statistics', { ...plan(), seed: 3, samples: 100_000 }, { token: cancellation.token, onProgress: () => progressed++ });
    work.catch(() => undefined);
    while (progressed < 3) await sample();
    const began = performance.now();
    cancellation.cancel();
    await expect(work).rejects.toThrow(/abort/i);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('what is wrong is said, and the next request is answered', async () => {
    const wrong = (change: (views: LabView[]) => void): Promise<unknown> => {
      const views = structuredClone(setup.views);
      change(views);
      return sample({}, views);
    };
    await expect(wrong(([a]) => (a!.crop.scale = [0.9, 0.2]))).rejects.toThrow(/upside down/);
    await expect(wrong(([a]) => (a!.mask = { kind: 'random', count: 500 }))).rejects.toThrow(/196 patches, fewer than the 500/);
    await expect(wrong(([a]) => (a!.ops[0]!.op = 'rm -rf'))).rejects.toThrow(/op/);
    await expect(sample({ key: { seed: 3, epoch: 0, index: 40, drawnAs: 0 } })).rejects.toThrow(/image 41 of a data set of 40/);
    await expect(backend.ask('augmentation/describe', { file: { path: run.file, text: '{' }, image: null, fresh: false })).rejects.toThrow(/lab\.siam\.json:1:2/);
    await expect(backend.ask('augmentation/describe', { file: { path: run.file, text: run.text.replace('"images"', '"elsewhere"') }, image: null, fresh: false })).rejects.toThrow(/does not exist/);
    await expect(backend.ask('augmentation/check', { file: { path: run.file, text: run.text }, views: setup.views.slice(1) })).rejects.toThrow(/needs online, target/);
    const bad = join(root, 'bad.jpg');
    writeFileSync(bad, 'no image');
    await expect(sample({ source: { kind: 'image', path: bad }, key: { seed: 0, epoch: 0, index: 0, drawnAs: 0 } })).rejects.toThrow(/cannot decode .*bad\.jpg: not an image/);
    expect((await sample()).views).toHaveLength(2);
  });

  test('a setting\'s change is drawn in a moment, on a photograph\'s size, while statistics are measured', async () => {
    const large = join(root, 'large.jpg');
    writeFileSync(large, await picture(9, 640, 480).jpeg({ quality: 90 }).toBuffer());
    const from = { kind: 'image' as const, path: large };
    const change = (i: number): Promise<AugmentationCalls['augmentation/sample']['reply']> => {
      const views = structuredClone(setup.views);
      views[0]!.ops = [{ op: 'gaussianBlur', p: 1, sigma: [0.1, 0.2 + i / 20] }];
      return sample({ source: from, withImage: i === 0, key: { seed: 3, epoch: 0, index: 0, drawnAs: 0 } }, views);
    };
    await change(0);
    const measured = async (): Promise<number> => {
      const times: number[] = [];
      for (let i = 1; i <= 40; i++) {
        const began = performance.now();
        await change(i);
        times.push(performance.now() - began);
      }
      return times.sort((a, b) => a - b)[20]!;
    };
    const quiet = await measured();
    const busyWith = backend.ask('augmentation/statistics', { ...plan(), seed: 3, samples: 100_000 });
    const busy = await measured();
    const { samples } = await busyWith;
    console.log(`a changed setting at 224: ${quiet.toFixed(1)} ms in the median from asking to bytes, ${busy.toFixed(1)} ms beside statistics of ${samples} samples`);
    expect(quiet).toBeLessThan(60);
    expect(busy).toBeLessThan(90);
  });
});
