/** What is done to an image after it was taken: contrast, coarse pixels, JPEG. */
import sharp from 'sharp';
import { resample } from '../resample.ts';
import { bytes, unit, type Corruption } from './corruption.ts';

/** The constant is what is left of the distance from each channel's mean. */
export const contrast: Corruption<number> = {
  levels: { 'imagenet-c': [0.4, 0.3, 0.2, 0.1, 0.05], 'cifar-10-c': [0.75, 0.5, 0.4, 0.3, 0.15] },
  apply(pixels, size, left) {
    const image = unit(pixels), means = [0, 0, 0];
    image.forEach((value, i) => (means[i % 3]! += value / (size * size)));
    return bytes(image.map((value, i) => (value - means[i % 3]!) * left + means[i % 3]!));
  },
};

/** The constant is the size at which pixels are averaged, as a share of the image's. */
export const pixelate: Corruption<number> = {
  levels: { 'imagenet-c': [0.6, 0.5, 0.4, 0.3, 0.25], 'cifar-10-c': [0.95, 0.9, 0.85, 0.75, 0.65] },
  apply(pixels, size, share, _random, kernels) {
    const mark = kernels.mark(), coarse = Math.max(1, Math.trunc(size * share));
    const resized = [coarse, size].reduce((picture, to) => {
      const whole = { full: to, offset: 0, count: to };
      return resample(kernels, picture, { top: 0, left: 0, height: picture.height, width: picture.width, mirrored: false }, whole, whole, 'box');
    }, kernels.picture(pixels, size, size));
    const result = kernels.pixels(resized).slice();
    kernels.release(mark);
    return result;
  },
};

/** The constant is the quality. */
export const jpegCompression: Corruption<number> = {
  levels: { 'imagenet-c': [25, 18, 15, 10, 7], 'cifar-10-c': [80, 65, 58, 50, 40] },
  apply: (pixels, size, quality) => throughJpeg(pixels, size, quality),
};

/** RGB [size, size, 3] as it is after a JPEG file with colours at half the resolution, Pillow's default. By the slow cosine transform, which the fast codec of `data/` has not. */
export async function throughJpeg(pixels: Uint8Array, size: number, quality: number): Promise<Uint8Array> {
  const encoded = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();
  return sharp(encoded).raw().toBuffer();
}
