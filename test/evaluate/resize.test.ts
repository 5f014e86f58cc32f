/** Models for images of another size: positions against a plain bicubic resampling in double precision. */
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { imageVectors } from '../../backend/evaluate/features.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { resizedModel } from '../../backend/evaluate/resize.ts';
import { modelDimensions } from '../../backend/nn/model.ts';
import { run } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
});

/** PyTorch's bicubic interpolation (a = -3/4, pixel centres, repeated border) of rows of patches [from^2][D]. */
function plainly(rows: number[][], from: number, to: number, scale: number): number[][] {
  const weight = (x: number): number => {
    const d = Math.abs(x), a = -0.75;
    return d < 1 ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1 : d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
  };
  const held = (i: number): number => Math.min(from - 1, Math.max(0, i));
  const taps = (i: number): [at: number, w: number][] => {
    const centre = (i + 0.5) / scale - 0.5;
    return [-1, 0, 1, 2].map((k) => [held(Math.floor(centre) + k), weight(centre - Math.floor(centre) - k)]);
  };
  return Array.from({ length: to * to }, (_, p) => {
    const sum = rows[0]!.map(() => 0);
    for (const [r, wr] of taps(Math.floor(p / to))) for (const [c, wc] of taps(p % to)) rows[r * from + c]!.forEach((v, d) => (sum[d]! += wr * wc * v));
    return sum;
  });
}

describe.each([
  ['mae-0', 3, 'pos_embed', (from: number, to: number) => to / from],
  ['siamese-1', 4, 'pos_embed', (from: number, to: number) => to / from],
  ['dino-1', 5, 'student.backbone.pos_embed', (from: number, to: number) => (to + 0.1) / from],
  ['msn-0', 3, 'encoder.pos_embed', (from: number, to: number) => to / from],
])('%s', (name, heads, positions, scale) => {
  test.each([2, 0.5])('for images %d times as wide', async (times) => {
    const m = await openModel(reference(name), heads);
    const { grid, imageSize, width } = modelDimensions(m.model);
    const rows = (values: Float32Array): number[][] => Array.from({ length: values.length / width }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
    const [token, ...before] = rows(m.parameters.get(positions).dataSync<'float32'>().slice());
    const other = m.parameters.specs.find(({ name: own }) => own.endsWith('blocks.1.mlp.fc1.weight'))!.name, weights = m.parameters.get(other).dataSync<'float32'>().slice();
    const tensors = tf.memory().numTensors;
    const changed = resizedModel(m, times * imageSize), to = times * grid;
    expect(tf.memory().numTensors).toBe(tensors);
    const [sameToken, ...after] = rows(changed.parameters.get(positions).dataSync<'float32'>().slice());
    expect(sameToken).toEqual(token);
    const expected = plainly(before, grid, to, scale(grid, to));
    expect(after.length).toBe(to * to);
    after.forEach((row, p) => row.forEach((v, d) => expect(Math.abs(v - expected[p]![d]!)).toBeLessThan(1e-5)));
    expect(changed.parameters.get(other).dataSync()).toEqual(weights);
    const size = times * imageSize, vector = await imageVectors(changed, new Uint8Array(size * size * 3).fill(90), 'class');
    expect(vector).toHaveLength(width);
    expect(vector.every(Number.isFinite)).toBe(true);
    changed.parameters.dispose();
  });
});

test('the size that it has changes nothing; others are refused where they cannot be', async () => {
  const m = await openModel(reference('dino-1'));
  const { imageSize, patchSize } = modelDimensions(m.model);
  expect(resizedModel(m, imageSize)).toBe(m);
  expect(() => resizedModel(m, imageSize + 1)).toThrow(`patches of ${patchSize} pixels do not divide images of ${imageSize + 1}: give ${imageSize}`);
  m.parameters.dispose();
  const beit = await openModel(reference('beit-0'));
  expect(() => resizedModel(beit, 2 * beit.model.imageSize)).toThrow('relative positions');
  beit.parameters.dispose();
});

test('siamscope correspond --size looks at more patches', async () => {
  const photo = join(folder, 'photo.png');
  await sharp({ create: { width: 150, height: 120, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 40 } } }).png().toFile(photo);
  const m = await openModel(reference('dino-1'));
  const { grid, imageSize } = modelDimensions(m.model);
  m.parameters.dispose();
  const { code, stdout, stderr } = await run(['correspond', reference('dino-1'), photo, photo, '--size', String(2 * imageSize), '--engine', 'wasm', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringMatching(/error/i) as string });
  const { grid: found, best } = JSON.parse(stdout) as { grid: number[]; best: number[] };
  expect(found).toEqual([2 * grid, 2 * grid]);
  // An image beside itself: each patch finds itself.
  expect(best).toEqual(Array.from({ length: 4 * grid * grid }, (_, i) => i));
});
