/** The fifteen corruptions against the package imagecorruptions and the libraries that the published code calls, and by what their noise measures. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { defocusBlur, glassBlur, motionBlur, zoomBlur } from '../../backend/augment/corruptions/blur.ts';
import type { Corruption, Scale } from '../../backend/augment/corruptions/corruption.ts';
import { contrast, jpegCompression, pixelate } from '../../backend/augment/corruptions/digital.ts';
import { elasticTransform } from '../../backend/augment/corruptions/elastic.ts';
import { drawFrost, frost } from '../../backend/augment/corruptions/frost.ts';
import { corruptionLevels, corruptionNames } from '../../backend/augment/corruptions/names.ts';
import { gaussianNoise, impulseNoise, shotNoise } from '../../backend/augment/corruptions/noise.ts';
import { corrupt, corruptAndStore } from '../../backend/augment/corruptions/registry.ts';
import { brightness, fog, snow } from '../../backend/augment/corruptions/weather.ts';
import { Kernels } from '../../backend/augment/kernels.ts';
import { Random } from '../../backend/random.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos } from '../cli/command.ts';

const kernels = new Kernels();
const seed = 11;
/** A draw of every op with the same numbers, which the peer gets as a file. */
const stream = (): Random => new Random(seed, 3);

const photo = async (size: number): Promise<Uint8Array> => new Uint8Array(await sharp(join(photos, 'boat/00003.jpg')).resize(size, size, { kernel: 'cubic' }).removeAlpha().raw().toBuffer());

const distance = (a: Uint8Array, b: ArrayLike<number>): { mean: number; most: number } => ({ mean: a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length, most: a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0) });

/** Levels of 255. */
const slack: Readonly<Record<string, number>> = { snow: 3, glass_blur: 1 };

interface Case {
  file: string;
  op: string;
  level: number;
  constants: unknown;
  ours: Uint8Array;
}

async function cases<C>(op: string, { levels, apply }: Corruption<C>, pixels: Uint8Array, size: number, scale: Scale): Promise<Case[]> {
  return Promise.all(corruptionLevels.map(async (level) => {
    const constants = levels[scale][level - 1]!;
    return { file: `${op}-${level}.raw`, op, level, constants, ours: await apply(pixels, size, constants, stream(), kernels) };
  }));
}

describe.each([['imagenet-c', 224], ['cifar-10-c', 32]] as const)('%s, %i pixels', (scale, size) => {
  test('the same pixels as the peer gives from the same random numbers', { timeout: 300_000 }, async () => {
    const python = await pythonWith(['imagecorruptions==1.1.2', 'numpy==2.4.6', 'scikit-image==0.26.0', 'opencv-python-headless==5.0.0.93', 'scipy==1.17.1', 'pillow==13.0.0']);
    if (!python) return;
    const pixels = await photo(size);
    const of = <C>(name: string, op: Corruption<C>): Promise<Case[]> => cases(name, op, pixels, size, scale);
    // Where the peer has no constants for small images, only what the libraries themselves compute.
    const everywhere = [of('defocus_blur', defocusBlur), of('motion_blur', motionBlur), of('zoom_blur', zoomBlur), of('elastic_transform', elasticTransform), of('pixelate', pixelate), of('jpeg_compression', jpegCompression)];
    const large = scale === 'cifar-10-c' ? [] : [of('gaussian_noise', gaussianNoise), of('shot_noise', shotNoise), of('glass_blur', glassBlur), of('snow', snow), of('fog', fog), of('brightness', brightness), of('contrast', contrast)];
    const all = (await Promise.all([...everywhere, ...large])).flat();
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const random = stream();
    writeFileSync(join(folder, 'image.raw'), pixels);
    writeFileSync(join(folder, 'uniforms.raw'), Float64Array.from({ length: 320_000 }, () => random.uniform()));
    writeFileSync(join(folder, 'cases.json'), JSON.stringify(all.map(({ ours: _ours, ...rest }) => rest)));
    await runPython(python, readFileSync(join(import.meta.dirname, 'corruptionPeer.py'), 'utf8'), [folder, String(size)]);
    const worst = new Map<string, number>();
    for (const { file, op, ours } of all) {
      const raw = readFileSync(join(folder, file)), peer = new Float32Array(raw.buffer, raw.byteOffset, raw.length / 4);
      expect(peer.length).toBe(ours.length);
      // Ours are cut to whole steps: the peer's number lies at ours or less than a step above.
      const excess = peer.reduce((most, value, i) => Math.max(most, ours[i]! - value, value - ours[i]! - 1), 0);
      worst.set(op, Math.max(worst.get(op) ?? 0, excess));
      // And an op that did nothing would not pass.
      if (scale === 'imagenet-c') expect(distance(ours, pixels).mean).toBeGreaterThan(1);
      if (op === 'jpeg_compression' || op === 'pixelate') expect(distance(ours, Uint8Array.from(peer)).most).toBe(0);
    }
    console.log(`${scale}: greatest excess in levels of 255: ${[...worst].map(([op, excess]) => `${op} ${excess.toFixed(4)}`).join(', ')}`);
    // The peer's snow is not cut to bytes before its blur; and one byte of glass that is cut the other way counts as a level.
    for (const [op, excess] of worst) expect({ op, excess, isNear: excess < (slack[op] ?? 0.02) }).toMatchObject({ isNear: true });
  });
});

describe('what the libraries cannot say', () => {
  const grey = (size: number, value: number): Uint8Array => new Uint8Array(size * size * 3).fill(value);

  test('noise has the mean and deviation of its constants', async () => {
    const size = 64;
    for (const scale of ['imagenet-c', 'cifar-10-c'] as const)
      for (const level of [0, 4] as const) {
        const noisy = await impulseNoise.apply(grey(size, 100), size, impulseNoise.levels[scale][level], stream(), kernels);
        const share = (value: number): number => noisy.reduce((sum, v) => sum + Number(v === value), 0) / noisy.length;
        // Four standard errors.
        const near = 4 * Math.sqrt(impulseNoise.levels[scale][level] / 2 / noisy.length);
        for (const value of [0, 255]) expect(Math.abs(share(value) - impulseNoise.levels[scale][level] / 2)).toBeLessThan(near);
        for (const [op, deviation] of [[gaussianNoise, (c: number) => c], [shotNoise, (c: number) => Math.sqrt(0.5 / c)]] as const) {
          const constant = op.levels['cifar-10-c'][level], values = Float64Array.from(await op.apply(grey(size, 127.5), size, constant, stream(), kernels), (v) => (v + 0.5) / 255);
          const mean = values.reduce((a, b) => a + b) / values.length, spread = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
          expect(Math.abs(mean - 127 / 255)).toBeLessThan(0.005);
          expect(Math.abs(spread / deviation(constant) - 1)).toBeLessThan(0.05);
        }
      }
  });

  test('drawn frost covers about as much as the photographs, whose means are 0.3 to 0.8 and deviations 0.06 to 0.19; none is like another', () => {
    const panes = [1, 2, 3, 4].map((key) => drawFrost(96, new Random(key)));
    for (const pane of panes) {
      const mean = pane.reduce((a, b) => a + b) / pane.length, spread = Math.sqrt(pane.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pane.length);
      expect(mean).toBeGreaterThan(0.25);
      expect(mean).toBeLessThan(0.85);
      expect(spread).toBeGreaterThan(0.05);
      expect(spread).toBeLessThan(0.25);
    }
    expect(panes[0]).not.toEqual(panes[1]);
    // Of a black image the frost's share alone is left.
    const [own, over] = frost.levels['cifar-10-c'][4];
    const black = frost.apply(grey(32, 0), 32, [own, over], new Random(9), kernels) as Uint8Array, pane = drawFrost(32, new Random(9));
    expect(black).toEqual(Uint8Array.from(pane, (v) => Math.trunc(over * 255 * v)));
  });

  test('equal keys give equal images, other seeds, images and levels others; images of more than 64 pixels are stored as JPEG', async () => {
    for (const [size, isStored] of [[32, false], [96, true]] as const) {
      const pixels = await photo(size), clean = pixels.slice();
      for (const name of corruptionNames) {
        const make = (level: 1 | 4, seed: number, index: number): Promise<Uint8Array> => corrupt(kernels, pixels, size, name, level, { seed, index });
        const first = await make(4, 1, 2);
        expect({ name, isSame: distance(first, await make(4, 1, 2)).most }).toEqual({ name, isSame: 0 });
        expect(distance(first, await make(1, 1, 2)).most).toBeGreaterThan(0);
        const isDrawn = !['defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate', 'jpeg_compression'].includes(name);
        for (const other of [await make(4, 2, 2), await make(4, 1, 3)]) expect({ name, differs: distance(first, other).most > 0 }).toEqual({ name, differs: isDrawn });
        expect(distance(first, await corruptAndStore(kernels, pixels, size, name, 4, { seed: 1, index: 2 })).most > 0).toBe(isStored);
      }
      expect(distance(pixels, clean).most).toBe(0);
    }
  });
});
