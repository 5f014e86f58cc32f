/** Blur of the lens, of frosted glass, of a moving camera and of one that zooms. */
import { bytes, numbers, rounded, unit, type Corruption } from './corruption.ts';
import { folded, gaussian, motionTaps, weighted, zoomed, type Tap } from './filters.ts';

/** Radius of the disk, and the standard deviation of the gaussian that smooths its rim. */
export const defocusBlur: Corruption<readonly [radius: number, smoothing: number]> = {
  levels: { 'imagenet-c': [[3, 0.1], [4, 0.5], [6, 0.5], [8, 0.5], [10, 0.5]], 'cifar-10-c': [[0.3, 0.4], [0.4, 0.5], [0.5, 0.6], [1, 0.2], [1.5, 0.1]] },
  apply: (pixels, size, [radius, smoothing], _random, kernels) => bytes(weighted(kernels, unit(pixels), size, 3, disk(radius, smoothing), 'reflect101')),
};

/** OpenCV's blur of 3 or 5 pixels of a disk on a grid that is 8 pixels wide to each side, or as wide as the disk. */
function disk(radius: number, smoothing: number): Tap[] {
  const reach = radius <= 8 ? 8 : radius, wide = 2 * reach + 1, half = radius <= 8 ? 1 : 2;
  const inside = Array.from({ length: wide * wide }, (_, i) => Number((Math.floor(i / wide) - reach) ** 2 + ((i % wide) - reach) ** 2 <= radius ** 2));
  const area = inside.reduce((sum, value) => sum + value, 0);
  const rim = Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-((i - half) ** 2) / (2 * smoothing ** 2)));
  const total = rim.reduce((sum, weight) => sum + weight, 0);
  const taps: Tap[] = [];
  for (let y = 0; y < wide; y++)
    for (let x = 0; x < wide; x++) {
      let weight = 0;
      for (let v = -half; v <= half; v++) for (let u = -half; u <= half; u++) weight += (rim[v + half]! * rim[u + half]! * inside[folded(y + v, wide, 'reflect101') * wide + folded(x + u, wide, 'reflect101')]!) / (total * total * area);
      if (weight > 1e-9) taps.push({ dx: x - reach, dy: y - reach, weight });
    }
  return taps;
}

/**
 * Blur, neighbours that take each other's place, blur. The published code means to swap two pixels and copies one over the other instead,
 * for both sides are views of the same array; its data sets were made so, and so is this.
 */
export const glassBlur: Corruption<readonly [sigma: number, reach: number, rounds: number]> = {
  levels: { 'imagenet-c': [[0.7, 1, 2], [0.9, 2, 1], [1, 2, 3], [1.1, 3, 2], [1.5, 4, 2]], 'cifar-10-c': [[0.05, 1, 1], [0.25, 1, 1], [0.4, 1, 1], [0.25, 1, 2], [0.4, 1, 2]] },
  apply(pixels, size, [sigma, reach, rounds], random, kernels) {
    const blur = (image: Uint8Array): Uint8Array => bytes(gaussian(kernels, unit(image), size, 3, sigma, 4, 'edge'));
    const image = blur(pixels);
    for (let round = 0; round < rounds; round++)
      for (let y = size - reach; y > reach; y--)
        for (let x = size - reach; x > reach; x--) {
          const dx = random.integer(-reach, reach - 1), dy = random.integer(-reach, reach - 1);
          const from = ((y + dy) * size + x + dx) * 3;
          image.copyWithin((y * size + x) * 3, from, from + 3);
        }
    return blur(image);
  },
};

/** ImageMagick's radius and standard deviation. */
export const motionBlur: Corruption<readonly [radius: number, sigma: number]> = {
  levels: { 'imagenet-c': [[10, 3], [15, 5], [15, 8], [15, 12], [20, 15]], 'cifar-10-c': [[6, 1], [6, 1.5], [6, 2], [8, 2], [9, 2.5]] },
  // It works on bytes and rounds them.
  apply: (pixels, size, [radius, sigma], random, kernels) => rounded(weighted(kernels, numbers(pixels), size, 3, motionTaps(radius, sigma, random.uniform(-45, 45)), 'edge')),
};

/** The greatest factor, which is not reached itself, and the step between factors. */
export const zoomBlur: Corruption<readonly [end: number, step: number]> = {
  levels: { 'imagenet-c': [[1.11, 0.01], [1.16, 0.01], [1.21, 0.02], [1.26, 0.02], [1.31, 0.03]], 'cifar-10-c': [[1.06, 0.01], [1.11, 0.01], [1.16, 0.01], [1.21, 0.01], [1.26, 0.01]] },
  apply(pixels, size, [end, step]) {
    const image = unit(pixels), sum = image.slice();
    const factors = range(1, end, step);
    for (const factor of factors) {
      const layer = zoomed(image, size, 3, factor);
      for (let i = 0; i < sum.length; i++) sum[i]! += layer[i]!;
    }
    for (let i = 0; i < sum.length; i++) sum[i]! /= factors.length + 1;
    return bytes(sum);
  },
};

/** NumPy's arange in its own rounding, by which some of these ranges hold their end. */
function range(start: number, end: number, step: number): number[] {
  const exact = start + step - start;
  return Array.from({ length: Math.ceil((end - start) / step) }, (_, i) => start + i * exact);
}
