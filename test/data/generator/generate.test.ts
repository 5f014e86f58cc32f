/** The generated images: same key, same pixels; different keys, different pictures; folders that are whole or absent. */
import { mkdtemp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classNames, generateImages, renderImage } from '../../../backend/data/generator/index.ts';
import { InputError } from '../../../backend/errors.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'siamscope-generator-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const key = (className: string, index: number, seed = 0, split: 'train' | 'test' = 'train') => ({ seed, className, split, index });

const spread = (pixels: Uint8Array): number => {
  const mean = pixels.reduce((sum, v) => sum + v, 0) / pixels.length;
  return Math.sqrt(pixels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels.length);
};
const difference = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length;

/** The mean hue of the picture's most saturated third, in turns. */
function hueOf(pixels: Uint8Array): number {
  let [x, y] = [0, 0];
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
    x += r - (g + b) / 2;
    y += (Math.sqrt(3) / 2) * (g - b);
  }
  return (Math.atan2(y, x) / (2 * Math.PI) + 1) % 1;
}

describe('renderImage', () => {
  it.each(classNames)('draws a %s with content, the same for the same key and another for any other', (className) => {
    const first = renderImage(key(className, 0), 64);
    expect(first).toHaveLength(64 * 64 * 3);
    expect(spread(first)).toBeGreaterThan(15);
    expect(Buffer.compare(first, renderImage(key(className, 0), 64))).toBe(0);
    for (const other of [key(className, 1), key(className, 0, 1), key(className, 0, 0, 'test'), key(className, 0, 2 ** 40)]) expect(difference(first, renderImage(other, 64))).toBeGreaterThan(5);
  });

  it('keeps its composition at another size', async () => {
    const large = await sharp(renderImage(key('mug', 3), 160), { raw: { width: 160, height: 160, channels: 3 } }).resize(80, 80).blur(1).raw().toBuffer();
    const small = await sharp(renderImage(key('mug', 3), 80), { raw: { width: 80, height: 80, channels: 3 } }).blur(1).raw().toBuffer();
    expect(difference(new Uint8Array(large), new Uint8Array(small))).toBeLessThan(6);
  });

  it('does not give a class away by its colour: hues of one class go all round', () => {
    for (const className of ['tree', 'car', 'fish']) {
      const quarters = new Set(Array.from({ length: 40 }, (_, k) => Math.floor(hueOf(renderImage(key(className, k), 32)) * 4)));
      expect(quarters.size).toBe(4);
    }
  });

  it('names the classes when asked for another', () => {
    expect(() => renderImage(key('unicorn', 0), 64)).toThrow(/no image class "unicorn".*balloon/);
    expect(() => renderImage(key('constructor', 0), 64)).toThrow(InputError);
  });
});

describe('generateImages', () => {
  const options = { classes: ['mug', 'fish'], perClass: 18, testPerClass: 2, size: 48, seed: 5, workers: 2 };

  it('writes every image of every class, tells its progress, and keeps a folder that is complete', async () => {
    const folder = join(root, 'demo');
    const progress: number[] = [];
    const made = await generateImages(folder, { ...options, onProgress: (done, total) => progress.push(done / total) });
    expect(made).toMatchObject({ images: 40, reused: false, train: join(folder, 'train'), test: join(folder, 'test') });
    expect(await readdir(join(folder, 'train'))).toEqual(['fish', 'mug']);
    expect(await readdir(join(folder, 'train/fish'))).toHaveLength(18);
    expect(await readdir(join(folder, 'test/mug'))).toEqual(['00000.jpg', '00001.jpg']);
    expect(progress.at(-1)).toBe(1);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);

    const { data, info } = await sharp(join(folder, 'test/mug/00001.jpg')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([48, 48, 3]);
    expect(difference(new Uint8Array(data), renderImage({ seed: 5, className: 'mug', split: 'test', index: 1 }, 48))).toBeLessThan(6);

    const before = await stat(join(folder, 'train/fish/00000.jpg'));
    expect(await generateImages(folder, options)).toMatchObject({ reused: true, images: 40 });
    expect((await stat(join(folder, 'train/fish/00000.jpg'))).mtimeMs).toBe(before.mtimeMs);
  });

  it('writes the same bytes whatever the number of threads', async () => {
    const small = { classes: ['house'], perClass: 20, size: 32, seed: 1, format: 'png' as const };
    await generateImages(join(root, 'one'), { ...small, workers: 1 });
    await generateImages(join(root, 'two'), { ...small, workers: 2 });
    for (const name of await readdir(join(root, 'one/train/house'))) expect(await readFile(join(root, 'one/train/house', name))).toEqual(await readFile(join(root, 'two/train/house', name)));
  });

  it('refuses a folder that holds other files or other images, and leaves it as it was', async () => {
    const folder = join(root, 'taken');
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'mine');
    await expect(generateImages(folder, options)).rejects.toThrow(/holds other files/);
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    await expect(generateImages(join(root, 'demo'), { ...options, seed: 6 })).rejects.toThrow(/other settings/);
  });

  it('leaves nothing behind when it is stopped, and sweeps what a killed process left', async () => {
    const stop = new AbortController();
    const stopped = generateImages(join(root, 'stopped'), { ...options, perClass: 200, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toThrow(/stopped/);
    expect((await readdir(root)).filter((name) => name.includes('stopped'))).toEqual([]);

    // No process has this number: Linux ends at 2^22.
    await mkdir(join(root, '.swept.partial-99999999-00000000/train'), { recursive: true });
    await generateImages(join(root, 'swept'), { ...options, perClass: 1, testPerClass: 0 });
    expect((await readdir(root)).filter((name) => name.includes('swept'))).toEqual(['swept']);
  });

  it('refuses wrong options before anything is written', async () => {
    for (const wrong of [{ classes: ['mug', 'mug'] }, { classes: [] }, { classes: ['unicorn'] }, { perClass: 0 }, { size: 1e9 }, { seed: -1 }]) await expect(generateImages(join(root, 'wrong'), { ...options, ...wrong })).rejects.toThrow(InputError);
    await expect(stat(join(root, 'wrong'))).rejects.toThrow();
  });
});
