/** Decoding: every format to the same RGB, turned upright, without alpha; what is refused, and what is told apart by content. */
import turbo from '@julusian/jpeg-turbo';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { Kernels } from '../../backend/augment/kernels.ts';
import { decodeImage, maxPixels, sniffFormat } from '../../backend/data/decode.ts';
import { readJpegHeader } from '../../backend/data/jpegHeader.ts';
import { picture } from './images.ts';

async function decode(bytes: Buffer): Promise<{ width: number; height: number; pixels: Buffer }> {
  const kernels = new Kernels();
  const image = await decodeImage(kernels, bytes);
  return { width: image.width, height: image.height, pixels: Buffer.from(kernels.pixels(image)) };
}

const meanDifference = (a: Buffer, b: Buffer) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
const rgb = () => picture(5).raw().toBuffer();

/** An uncompressed 24-bit bitmap, rows from the bottom. */
function bmp(pixels: Buffer, width: number, height: number): Buffer {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const bytes = Buffer.alloc(54 + stride * height);
  bytes.write('BM');
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) bytes[54 + (height - 1 - y) * stride + x * 3 + c] = pixels[(y * width + x) * 3 + 2 - c]!;
  return bytes;
}

describe('formats', () => {
  test.each([
    ['png', 0, (p: Sharp) => p.png()],
    ['tiff', 0, (p: Sharp) => p.tiff({ compression: 'lzw' })],
    ['webp', 4, (p: Sharp) => p.webp({ quality: 95 })],
    ['avif', 4, (p: Sharp) => p.avif({ quality: 90 })],
    ['gif', 8, (p: Sharp) => p.gif()],
    ['jpeg', 4, (p: Sharp) => p.jpeg({ quality: 95 })],
    ['jpeg', 4, (p: Sharp) => p.jpeg({ quality: 95, progressive: true })],
  ] as const)('%s within %d levels of its source', async (format, tolerance, encode) => {
    const bytes = await encode(picture(5)).toBuffer();
    expect(sniffFormat(bytes)).toBe(format);
    const image = await decode(bytes);
    expect([image.width, image.height]).toEqual([64, 48]);
    expect(meanDifference(image.pixels, await rgb())).toBeLessThanOrEqual(tolerance);
  });

  test('bmp', async () => {
    const image = await decode(bmp(await rgb(), 64, 48));
    expect(image.pixels.equals(await rgb())).toBe(true);
  });

  test('JPEG goes through libjpeg-turbo', async () => {
    const bytes = await picture(5).jpeg().toBuffer();
    expect((await decode(bytes)).pixels.equals(turbo.decompressSync(bytes, { format: turbo.FORMAT_RGB }).data)).toBe(true);
  });

  test('grey, 16 bits, alpha and CMYK become RGB', async () => {
    const grey = await decode(await picture(5).greyscale().jpeg({ quality: 95 }).toBuffer());
    expect(grey.pixels[0]).toBe(grey.pixels[1]);
    const grey16 = await decode(await picture(5).greyscale().toColourspace('grey16').png().toBuffer());
    expect(meanDifference(grey16.pixels, grey.pixels)).toBeLessThan(4);
    const deep = await decode(await picture(5).toColourspace('rgb16').png().toBuffer());
    expect(meanDifference(deep.pixels, await rgb())).toBeLessThan(1);
    const transparent = await decode(await picture(5).joinChannel(Buffer.alloc(64 * 48), { raw: { width: 64, height: 48, channels: 1 } }).png().toBuffer());
    expect(transparent.pixels.equals(await rgb())).toBe(true);
    const cmyk = await decode(await picture(5).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer());
    expect(meanDifference(cmyk.pixels, await rgb())).toBeLessThan(30);
  });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %d is applied as libvips does', async (orientation) => {
  const bytes = await picture(5).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
  expect(readJpegHeader(bytes)).toMatchObject({ width: 64, height: 48, components: 3, precision: 8, orientation });
  const image = await decode(bytes);
  const { data, info } = await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true });
  expect([image.width, image.height]).toEqual([info.width, info.height]);
  // The fast inverse DCT differs by a level or two; a wrong turn by far more.
  expect(meanDifference(image.pixels, data)).toBeLessThan(2);
});

describe('refused', () => {
  test('what is no image, by content and not by name', async () => {
    for (const bytes of ['', 'text', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', '%PDF-1.7']) await expect(decode(Buffer.from(bytes))).rejects.toThrow(/empty|not an image/);
  });

  test('cut files', async () => {
    for (const encode of [(p: Sharp) => p.jpeg(), (p: Sharp) => p.png(), (p: Sharp) => p.webp()]) {
      const bytes = await encode(picture(5, 256, 256)).toBuffer();
      await expect(decode(bytes.subarray(0, Math.floor(bytes.length * 0.6)))).rejects.toThrow();
    }
    await expect(decode(bmp(await rgb(), 64, 48).subarray(0, 500))).rejects.toThrow(/ends before its last row/);
  });

  test('sizes beyond the limit, before anything is allocated for them', async () => {
    const jpeg = await picture(5).jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(65500, frame + 5);
    jpeg.writeUInt16BE(65500, frame + 7);
    await expect(decode(jpeg)).rejects.toThrow(/65500 x 65500 pixels are beyond the limit/);
    const bomb = await sharp({ create: { width: 10000, height: 10000, channels: 3, background: 'white' } }).png().toBuffer();
    expect(bomb.length).toBeLessThan(maxPixels / 100);
    await expect(decode(bomb)).rejects.toThrow(/pixel limit/);
    const bitmap = bmp(await rgb(), 64, 48);
    bitmap.writeInt32LE(2 ** 30, 18);
    await expect(decode(bitmap)).rejects.toThrow(/beyond the limit/);
  });

  test('a progressive file with more scans than it is worth', async () => {
    const jpeg = await picture(5).jpeg({ progressive: true }).toBuffer();
    const header = readJpegHeader(jpeg)!;
    expect(header.scans).toBeGreaterThan(1);
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc2]));
    jpeg.writeUInt16BE(8000, frame + 5);
    jpeg.writeUInt16BE(8000, frame + 7);
    const scans = Buffer.concat([jpeg, ...Array<Buffer>(100).fill(Buffer.from([0xff, 0xda, 0, 2]))]);
    await expect(decode(scans)).rejects.toThrow(/progressive scans/);
  });
});
