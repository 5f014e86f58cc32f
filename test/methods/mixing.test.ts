/** Mixup and CutMix: labels stay distributions, a box's share is the label's share, and the draws follow the distribution that they are named for. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawErasing, drawMixing, erasePatches, mixPatches, softTargets } from '../../backend/methods/mixing.ts';
import { patchesOf } from '../../backend/ops/imagePatches.ts';
import { Random } from '../../backend/random.ts';
import { testEngines } from '../helpers/engines.ts';

const drawer = (seed: number) => (name: string, count: number) => {
  const random = new Random(seed, ...Buffer.from(name));
  return Float32Array.from({ length: count }, () => random.uniform());
};
const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test('mixup\'s share is Beta(0.8, 0.8): mean 1/2, variance 1 / (4 (2 a + 1))', () => {
  const shares = Array.from({ length: 4000 }, (_, seed) => drawMixing(drawer(seed), { mixup: 0.8, cutmix: 0 }, 2, 32)!.lambda[0]!);
  expect(Math.abs(mean(shares) - 0.5)).toBeLessThan(0.02);
  expect(Math.abs(mean(shares.map((share) => (share - 0.5) ** 2)) - 1 / (4 * 2.6))).toBeLessThan(0.005);
});

test('half of the batches are cut, and a cut label is as large as what is left of the image', () => {
  const mixings = Array.from({ length: 2000 }, (_, seed) => drawMixing(drawer(seed), { mixup: 0.8, cutmix: 1 }, 2, 32)!);
  const cut = mixings.filter(({ boxes }) => boxes !== null);
  expect(Math.abs(cut.length / mixings.length - 0.5)).toBeLessThan(0.04);
  for (const { lambda, boxes } of cut) {
    const [top, bottom, left, right] = boxes!;
    expect(Math.min(top!, left!)).toBeGreaterThanOrEqual(0);
    expect(Math.max(bottom!, right!)).toBeLessThanOrEqual(32);
    expect(lambda[0]).toBeCloseTo(1 - ((bottom! - top!) * (right! - left!)) / 1024, 6);
  }
});

test('labels are distributions', () => {
  const targets = softTargets(Int32Array.of(0, 2, 2), 4, 0.1, { lambda: Float32Array.of(0.25, 0.5, 1), boxes: null });
  for (let i = 0; i < 3; i++) expect(mean(Array.from(targets.subarray(4 * i, 4 * i + 4))) * 4).toBeCloseTo(1, 6);
  expect(targets[0]).toBeCloseTo(0.025 + 0.9 * 0.25, 6);
  expect(targets[2]).toBeCloseTo(0.025 + 0.9 * 0.75, 6);
});

test('a quarter of the images is erased, boxes of 2 to 33 % of the area', () => {
  const size = 64, boxes = drawErasing(drawer(1), 0.25, 4000, size), drawn = boxes.filter((box) => box !== null);
  expect(Math.abs(drawn.length / 4000 - 0.25)).toBeLessThan(0.03);
  for (const [top, bottom, left, right] of drawn) {
    expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
    expect(Math.max(bottom, right)).toBeLessThanOrEqual(size);
    const share = ((bottom - top) * (right - left)) / size ** 2;
    expect(share > 0.013 && share < 0.35).toBe(true);
  }
});

for (const engine of await testEngines()) {
  if (engine.precision !== 'fp32') continue;
  describe(engine.name, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test('a box that cuts through patches takes just its pixels from the partner', async () => {
      const [size, patch] = [8, 4];
      const own = (image: number, channel: number, y: number, x: number): number => 1000 * image + 100 * channel + 10 * y + x;
      const pixels = (of: (image: number, channel: number, y: number, x: number) => number) => Float32Array.from({ length: 2 * 3 * size * size }, (_, i) => of(Math.floor(i / 192), Math.floor(i / 64) % 3, Math.floor(i / 8) % 8, i % 8));
      const box = [1, 6, 3, 7] as const;
      const mixed = mixPatches(patchesOf(tf.tensor(pixels(own), [2, 3, size, size]), patch), { lambda: Float32Array.of(0.5, 0.5), boxes: Int32Array.of(...box, ...box) }, patch);
      const expected = patchesOf(tf.tensor(pixels((image, channel, y, x) => own(y >= box[0] && y < box[1] && x >= box[2] && x < box[3] ? 1 - image : image, channel, y, x)), [2, 3, size, size]), patch);
      expect(await mixed.data()).toEqual(await expected.data());
    });

    test('an erased box, and no pixel beside it, is noise of mean 0 and variance 1; equal draws give equal noise', async () => {
      const [size, patch] = [32, 8];
      const patches = patchesOf(tf.fill([3, 3, size, size], 50), patch), box = [5, 29, 2, 23] as const;
      const erase = (): tf.Tensor => erasePatches(patches, [null, [...box], null], patch, drawer(4));
      const expected = await patchesOf(tf.tensor(Float32Array.from({ length: 3 * 3 * size * size }, (_, i) => {
        const [y, x] = [Math.floor(i / size) % size, i % size];
        return Number(Math.floor(i / (3 * size * size)) === 1 && y >= box[0] && y < box[1] && x >= box[2] && x < box[3]);
      }), [3, 3, size, size]), patch).data();
      const values = await erase().data<'float32'>();
      const noise = Array.from(values.filter((_, i) => expected[i] === 1));
      expect(values.every((v, i) => (expected[i] === 1 ? Math.abs(v) < 6 : v === 50))).toBe(true);
      expect(Math.abs(mean(noise))).toBeLessThan(0.1);
      expect(Math.abs(mean(noise.map((v) => v * v)) - 1)).toBeLessThan(0.15);
      expect(await erase().data<'float32'>()).toEqual(values);
    });
  });
}
