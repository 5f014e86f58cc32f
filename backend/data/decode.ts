/**
 * From a file's bytes to RGB pixels in the kernels' arena: libjpeg-turbo for JPEG, libvips (sharp) for the rest and for
 * what libjpeg-turbo does not take. Files are hostile until decoded: their kind is told by content, their size is bounded first.
 */
// Its constants are no named exports to an ES module, only properties of the default one.
import turbo from '@julusian/jpeg-turbo';
import sharp from 'sharp';
import type { Kernels, Picture } from '../augment/kernels.ts';
import { decodeBmp } from './bmp.ts';
import { readJpegHeader } from './jpegHeader.ts';

/** Larger images are refused: 2^26 pixels, 192 MiB of RGB. */
export const maxPixels = 2 ** 26;
/** Progressive JPEG costs a pass over the image for each scan; more than this many pixels in all are refused. */
const maxScannedPixels = 2 ** 31;
/** libvips stops a decoding that takes longer; the pool's own limit stands behind it. */
const maxSeconds = 10;

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif' | 'bmp';

/** The format by a file's first bytes, whatever its name; null where it is none that is read. */
export function sniffFormat(bytes: Buffer): ImageFormat | null {
  const ascii = (from: number, to: number) => bytes.toString('latin1', from, to);
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (ascii(4, 8) === 'ftyp' && /avif|avis|mif1|msf1/.test(ascii(8, 32))) return 'avif';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(ascii(0, 4))) return 'tiff';
  if (['GIF87a', 'GIF89a'].includes(ascii(0, 6))) return 'gif';
  if (ascii(0, 2) === 'BM') return 'bmp';
  return null;
}

/**
 * Decodes the first frame to RGB, turned upright by its EXIF orientation. As in PIL's convert('RGB'), alpha is dropped,
 * grey is repeated and no colour profile is applied, but for CMYK, which is converted by one. JPEG is decoded with the
 * fast inverse DCT, within a level or two of the slow one. Throws an Error that says why.
 */
export async function decodeImage(kernels: Kernels, bytes: Buffer): Promise<Picture> {
  const format = sniffFormat(bytes);
  if (format === null) throw new Error(bytes.length === 0 ? 'the file is empty' : 'not an image of a format that is read (JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP)');
  if (format === 'bmp') {
    const { pixels, width, height } = decodeBmp(bytes, maxPixels);
    return kernels.picture(pixels, width, height);
  }
  if (format === 'jpeg') {
    const picture = decodeJpeg(kernels, bytes);
    if (picture) return picture;
  }
  return decodeWithSharp(kernels, bytes);
}

/** Decodes by libjpeg-turbo straight into the arena; null for what it does not take: CMYK, other depths, data with warnings. */
function decodeJpeg(kernels: Kernels, bytes: Buffer): Picture | null {
  const header = readJpegHeader(bytes);
  if (!header) return null;
  const { width, height, scans, orientation } = header;
  if (width * height > maxPixels) throw new Error(`${width} x ${height} pixels are beyond the limit of ${maxPixels}`);
  if (width * height * scans > maxScannedPixels) throw new Error(`${scans} progressive scans of ${width} x ${height} pixels are beyond the limit`);
  if (width * height === 0 || header.precision !== 8 || (header.components !== 1 && header.components !== 3)) return null;
  const length = width * height * 3;
  const mark = kernels.mark();
  const pointer = kernels.allocate(length);
  const target = Buffer.from(kernels.run.memory.buffer, pointer, length);
  try {
    turbo.decompressSync(bytes, target, { format: turbo.FORMAT_RGB });
  } catch {
    kernels.release(mark);
    return null;
  }
  if (orientation === 1) return { pointer, width, height };
  const upright = kernels.allocate(length);
  kernels.run.orient(pointer, upright, width, height, orientation);
  return orientation > 4 ? { pointer: upright, width: height, height: width } : { pointer: upright, width, height };
}

async function decodeWithSharp(kernels: Kernels, bytes: Buffer): Promise<Picture> {
  const { data, info } = await sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', ignoreIcc: true, sequentialRead: true })
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .timeout({ seconds: maxSeconds })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3) throw new Error(`an image of ${channels} channels`);
  return kernels.picture(data, width, height);
}
