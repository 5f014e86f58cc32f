/** Image files for the data tests: small pictures with structure, made anew in a temporary folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll } from 'vitest';
import type { ViewPlan } from '../../backend/augment/plan.ts';
import { Random } from '../../backend/random.ts';
import { packed } from './archives.ts';

/** A folder that is removed after the test file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'siamscope-data-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Random low-frequency colours, upscaled: no two alike, and not flat. */
export function picture(seed: number, width = 64, height = 48): Sharp {
  const random = new Random(seed);
  const coarse = Buffer.from(Uint8Array.from({ length: 8 * 6 * 3 }, () => random.integer(0, 255)));
  return sharp(coarse, { raw: { width: 8, height: 6, channels: 3 } }).resize(width, height, { fit: 'fill', kernel: 'cubic' });
}

export const jpeg = (seed: number, width?: number, height?: number): Promise<Buffer> => picture(seed, width, height).jpeg({ quality: 92 }).toBuffer();

export async function writeFiles(folder: string, files: Record<string, Uint8Array | string>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** `count` JPEG files in two classes, by name. */
export async function twoClasses(count: number): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${i % 2 === 0 ? 'cat' : 'dog'}/${String(i).padStart(3, '0')}.jpg`] = await jpeg(i, 40 + (i % 5) * 8, 36 + (i % 3) * 8);
  return files;
}

export const tar = (files: Record<string, Uint8Array | string>): Promise<Buffer> => packed(Object.entries(files).map(([name, bytes]) => [{ name }, Buffer.from(bytes as Uint8Array)]));

/** The paper's two views, small. */
export const twoViews: ViewPlan = {
  patchSize: 4,
  views: (['online', 'target'] as const).map((name) => ({
    name,
    size: 32,
    crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' },
    ops: [
      { op: 'horizontalFlip', p: 0.5 },
      { op: 'colorJitter', p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 },
      { op: 'grayscale', p: 0.2 },
      { op: 'gaussianBlur', p: name === 'online' ? 1 : 0.1, sigma: [0.1, 2] },
      { op: 'solarize', p: name === 'online' ? 0 : 0.2, threshold: 128 },
    ],
    mask: name === 'online' ? { kind: 'block', count: 38, minBlock: 16, aspect: [0.3, 1 / 0.3] } : null,
  })),
};
