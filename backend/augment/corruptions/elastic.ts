/** An elastic cloth: a slight affine distortion, then a smooth field of small shifts. */
import type { Random } from '../../random.ts';
import { bytes, unit, type Corruption } from './corruption.ts';
import { bilinear, gaussian } from './filters.ts';

interface Cloth {
  /** The shifts' strength and smoothness, and the reach of the affine distortion. */
  alpha: number;
  sigma: number;
  affine: number;
}

/** Shares of a width, as published: 244 was a slip for 224. */
const cloth = (width: number) => (alpha: number, sigma: number, affine: number): Cloth => ({ alpha: width * alpha, sigma: width * sigma, affine: width * affine });
const [wide, small] = [cloth(244), cloth(32)];

/** All constants are in pixels. */
export const elasticTransform: Corruption<Cloth> = {
  levels: {
    'imagenet-c': [wide(2, 0.7, 0.1), wide(2, 0.08, 0.2), wide(0.05, 0.01, 0.02), wide(0.07, 0.01, 0.02), wide(0.12, 0.01, 0.02)],
    'cifar-10-c': [small(0, 0, 0.08), small(0.05, 0.2, 0.07), small(0.08, 0.06, 0.06), small(0.1, 0.04, 0.05), small(0.1, 0.03, 0.03)],
  },
  apply(pixels, size, { alpha, sigma, affine }, random, kernels) {
    const moved = bilinear(unit(pixels), size, 3, ...distortion(size, affine, random), 'reflect101');
    // Both fields as one image: the shifts of x are drawn first.
    const drawn = new Float64Array(2 * size * size);
    for (const field of [0, 1]) for (let i = field; i < drawn.length; i += 2) drawn[i] = random.uniform(-1, 1);
    const shifts = gaussian(kernels, drawn, size, 2, sigma, 3, 'reflect');
    const xs = new Float64Array(size * size), ys = new Float64Array(size * size);
    for (let y = 0, i = 0; y < size; y++)
      for (let x = 0; x < size; x++, i++) {
        xs[i] = x + alpha * shifts[2 * i]!;
        ys[i] = y + alpha * shifts[2 * i + 1]!;
      }
    return bytes(bilinear(moved, size, 3, xs, ys, 'reflect'));
  },
};

/** The affine map that takes three moved corners back to where they were: for each pixel of the new image its place in the old. */
function distortion(size: number, reach: number, random: Random): [xs: Float64Array, ys: Float64Array] {
  const centre = Math.floor(size / 2), half = Math.floor(size / 3);
  const corners = [[centre + half, centre + half], [centre + half, centre - half], [centre - half, centre - half]] as const;
  const [a, b, c] = corners.map(([x, y]) => [x + random.uniform(-reach, reach), y + random.uniform(-reach, reach)] as const) as [readonly [number, number], readonly [number, number], readonly [number, number]];
  const [ux, uy, vx, vy] = [a[0] - c[0], a[1] - c[1], b[0] - c[0], b[1] - c[1]], area = ux * vy - uy * vx;
  const xs = new Float64Array(size * size), ys = new Float64Array(size * size);
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const s = ((x - c[0]) * vy - (y - c[1]) * vx) / area, t = ((y - c[1]) * ux - (x - c[0]) * uy) / area;
      // The first corner is two halves to the right of the last one and below it, the second two to the right.
      xs[i] = corners[2][0] + 2 * half * (s + t);
      ys[i] = corners[2][1] + 2 * half * s;
    }
  return [xs, ys];
}
