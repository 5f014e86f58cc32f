/** Models for images of another size: positions against a plain bicubic resampling in double precision. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { imageVectors } from '../../backend/evaluate/features.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { resizedModel } from '../../backend/evaluate/resize.ts';
import { modelDimensions, transformerDimensions } from '../../backend/nn/model.ts';
import { resizedBias } from '../../backend/nn/resizedBias.ts';
import { Random } from '../../backend/random.ts';
import { run } from '../cli/command.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const references = join(import.meta.dirname, '../fixtures/reference');
const reference = (name: string): string => join(references, name, 'model.pth');

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

/** BEiT's rule written out: FITPACK's spline through a grid, which interp2d was a wrapper of. */
const biasesOfScipy = `
import sys, numpy as np
from scipy.interpolate import RectBivariateSpline
folder, heads, pairs = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
for pair in pairs:
    start, end = map(int, pair.split('-'))
    table = np.fromfile(f'{folder}/{pair}.raw', '<f4').reshape(-1, heads)
    low, high = 1.01, 1.5
    while high - low > 1e-6:
        q = (low + high) / 2
        if sum(q ** i for i in range(start - 1)) > end - 1: high = q
        else: low = q
    outward = np.cumsum([q ** i for i in range(start - 1)])
    old = np.concatenate([-outward[::-1], [0], outward])
    new = np.arange(-(end - 1), end)
    side = 2 * start - 1
    grids = [RectBivariateSpline(old, old, table[:-3, h].reshape(side, side).astype('f8'), kx=3, ky=3, s=0)(new, new).ravel() for h in range(heads)]
    np.concatenate([np.stack(grids, 1), table[-3:]]).astype('<f4').tofile(f'{folder}/{pair}.resized.raw')
`;

describe('BEiT\'s biases for offsets', () => {
  const tableOf = (grid: number, heads: number): Float32Array => {
    const random = new Random(grid, heads);
    return Float32Array.from({ length: ((2 * grid - 1) ** 2 + 3) * heads }, () => random.uniform(-2, 2));
  };

  test('are those of SciPy', { timeout: 300_000 }, async () => {
    const python = await pythonWith(['numpy==2.4.6', 'scipy==1.17.1']);
    if (!python) return;
    const heads = 3, pairs = [[14, 24], [14, 32], [14, 15], [14, 7], [3, 4], [4, 40]] as const;
    mkdirSync(folder, { recursive: true });
    for (const [from, to] of pairs) writeFileSync(join(folder, `${from}-${to}.raw`), tableOf(from, heads));
    await runPython(python, biasesOfScipy, [folder, String(heads), ...pairs.map(([from, to]) => `${from}-${to}`)]);
    for (const [from, to] of pairs) {
      const values = tableOf(from, heads), raw = readFileSync(join(folder, `${from}-${to}.resized.raw`)), expected = new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4);
      const found = tf.tidy(() => resizedBias(tf.tensor2d(values, [values.length / heads, heads]), from, to).dataSync<'float32'>());
      expect(found.length).toBe(expected.length);
      expect(found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0), `${from} to ${to}`).toBeLessThan(1e-5);
    }
  });

  test.each([['beit-0/model.pth', /^rel_pos_bias\./, 1], ['supervised-beit-0/model.safetensors', /^blocks\.\d\.attn\./, 2]] as const)('%s: every table for images of another size', async (name, names, count) => {
    const m = await openModel(join(references, name)), tables = m.parameters.specs.filter((spec) => names.test(spec.name) && spec.name.endsWith('_table')).map((spec) => spec.name);
    expect(tables).toHaveLength(count);
    const { grid, imageSize, width, heads } = transformerDimensions(m.model);
    const before = tables.map((table) => m.parameters.get(table).dataSync<'float32'>().slice());
    const changed = resizedModel(m, 1.5 * imageSize);
    tables.forEach((table, i) => {
      const expected = tf.tidy(() => resizedBias(tf.tensor2d(before[i]!, [before[i]!.length / heads, heads]), grid, 1.5 * grid).dataSync());
      expect(changed.parameters.get(table).dataSync()).toEqual(expected);
    });
    const size = 1.5 * imageSize, vector = await imageVectors(changed, new Uint8Array(size * size * 3).fill(90), 'class');
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
  const whole = await openModel(reference('beit-0')), beit = resizedModel(whole, 2 * whole.model.patchSize), tensors = tf.memory().numTensors;
  expect(() => resizedModel(beit, 4 * whole.model.patchSize)).toThrow('relative positions of 2 x 2 patches are too few to be interpolated for 4 x 4');
  expect(tf.memory().numTensors).toBe(tensors);
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
