/** Filters of images in double precision, [size, size, channels], with the borders of the libraries that the published corruptions call. */
import type { Kernels } from '../kernels.ts';

/** What lies beyond an edge `a b c d`: `edge` a a, `reflect` b a, `reflect101` c b. */
export type Border = 'edge' | 'reflect' | 'reflect101';

/** The place inside [0, size) that stands for any whole number. */
export function folded(at: number, size: number, border: Border): number {
  if (border === 'edge' || size === 1) return Math.min(size - 1, Math.max(0, at));
  if (at >= 0 && at < size) return at;
  const period = border === 'reflect' ? 2 * size : 2 * size - 2;
  const inside = ((at % period) + period) % period;
  return inside < size ? inside : period - inside - (border === 'reflect' ? 1 : 0);
}

/** The image with `reach` pixels of border at each side: [size + 2 reach, size + 2 reach, channels]. */
export function padded(image: Float64Array, size: number, channels: number, reach: number, border: Border): Float64Array {
  const wide = size + 2 * reach;
  const result = new Float64Array(wide * wide * channels);
  for (let y = 0; y < wide; y++) {
    const from = folded(y - reach, size, border) * size * channels, to = y * wide * channels;
    result.set(image.subarray(from, from + size * channels), to + reach * channels);
    for (let x = 0; x < wide; x++) {
      if (x === reach) x += size;
      const column = folded(x - reach, size, border) * channels;
      for (let c = 0; c < channels; c++) result[to + x * channels + c] = image[from + column + c]!;
    }
  }
  return result;
}

export interface Tap {
  dx: number;
  dy: number;
  weight: number;
}

/** Each pixel becomes the weighted sum of those at the taps' offsets from it. */
export function weighted(kernels: Kernels, image: Float64Array, size: number, channels: number, taps: readonly Tap[], border: Border): Float64Array {
  const reach = Math.max(...taps.map(({ dx, dy }) => Math.max(Math.abs(dx), Math.abs(dy))));
  const source = padded(image, size, channels, reach, border), stride = (size + 2 * reach) * channels;
  const offsets = Int32Array.from(taps, ({ dx, dy }) => (reach + dy) * stride + (reach + dx) * channels);
  return inArena(kernels, image.length, (target) => kernels.run.weightedRows(kernels.numbers(source), stride, target, size, size * channels, kernels.numbers(offsets), kernels.numbers(Float64Array.from(taps, ({ weight }) => weight)), taps.length));
}

/** What `compute` writes to the arena, as so many numbers; all that it reserved is freed. */
function inArena(kernels: Kernels, length: number, compute: (target: number) => void): Float64Array {
  const mark = kernels.mark(), target = kernels.allocate(8 * length);
  compute(target);
  const result = new Float64Array(kernels.bytes(target, 8 * length).slice().buffer);
  kernels.release(mark);
  return result;
}

/** A one-dimensional filter as what each place of an axis takes of the others, borders folded in: row by row, [size, size]. */
interface AxisWeights {
  weights: Float64Array;
  /** In each row the first place whose weight counts, and how many do from there on. */
  first: Int32Array;
  count: Int32Array;
}

function gaussianWeights(size: number, sigma: number, truncate: number, border: Border): AxisWeights {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => (sigma === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma))));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i]! /= total;
  const places = Int32Array.from({ length: size + 2 * radius }, (_, i) => folded(i - radius, size, border));
  const weights = new Float64Array(size * size), first = new Int32Array(size).fill(size), count = new Int32Array(size);
  for (let at = 0; at < size; at++) {
    let last = 0;
    for (let i = 0; i < kernel.length; i++) {
      const place = places[at + i]!;
      weights[at * size + place]! += kernel[i]!;
      if (place < first[at]!) first[at] = place;
      if (place > last) last = place;
    }
    count[at] = last - first[at]! + 1;
  }
  return { weights, first, count };
}

/** SciPy's gaussian filter of both axes: the kernel reaches `truncate` standard deviations. */
export function gaussian(kernels: Kernels, image: Float64Array, size: number, channels: number, sigma: number, truncate: number, border: Border): Float64Array {
  const axis = gaussianWeights(size, sigma, truncate, border);
  const alongColumns = (from: Float64Array): Float64Array => weightedColumns(kernels, from, size * channels, axis);
  return transposed(alongColumns(transposed(alongColumns(image), size, channels)), size, channels);
}

/** Each row becomes the weighted sum of rows that its weights say; rows have `length` values. */
function weightedColumns(kernels: Kernels, image: Float64Array, length: number, { weights, first, count }: AxisWeights): Float64Array {
  // An odd number of cache lines (of 8 numbers) from row to row: the values of a column then lie in different places of the cache.
  const size = first.length, stride = 8 * (2 * Math.ceil(length / 16) + 1), spread = new Float64Array(size * stride);
  for (let row = 0; row < size; row++) spread.set(image.subarray(row * length, (row + 1) * length), row * stride);
  return inArena(kernels, image.length, (target) => {
    kernels.run.weightedColumns(kernels.numbers(spread), stride, target, size, length, kernels.numbers(first.map((_, row) => row * stride)), kernels.numbers(weights), kernels.numbers(first), kernels.numbers(count));
  });
}

/** Rows for columns. */
function transposed(image: Float64Array, size: number, channels: number): Float64Array {
  const result = new Float64Array(image.length);
  for (let y = 0, from = 0; y < size; y++) for (let x = 0; x < size; x++) for (let c = 0, to = (x * size + y) * channels; c < channels; c++) result[to++] = image[from++]!;
  return result;
}

/** The middle of the image enlarged `factor` times by bilinear interpolation whose corners meet (SciPy's zoom), cut to the image's size. */
export function zoomed(image: Float64Array, size: number, channels: number, factor: number): Float64Array {
  const cut = Math.ceil(size / factor), top = Math.floor((size - cut) / 2), wide = roundHalfEven(cut * factor), trim = Math.floor((wide - size) / 2);
  const scale = wide > 1 ? (cut - 1) / (wide - 1) : 0;
  const lows = new Int32Array(size), highs = new Int32Array(size), shares = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const at = (i + trim) * scale, low = Math.min(Math.floor(at), cut - 1);
    lows[i] = top + low;
    highs[i] = top + Math.min(low + 1, cut - 1);
    shares[i] = at - low;
  }
  const result = new Float64Array(image.length), row = new Float64Array(size * channels);
  for (let y = 0, to = 0; y < size; y++) {
    const above = lows[y]! * size * channels, below = highs[y]! * size * channels, share = shares[y]!;
    for (let i = 0; i < row.length; i++) row[i] = image[above + i]! + share * (image[below + i]! - image[above + i]!);
    for (let x = 0; x < size; x++) {
      const left = lows[x]! * channels, right = highs[x]! * channels, part = shares[x]!;
      for (let c = 0; c < channels; c++) result[to++] = row[left + c]! + part * (row[right + c]! - row[left + c]!);
    }
  }
  return result;
}

/** Python's rounding. */
const roundHalfEven = (x: number): number => (x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** The image at any places, by bilinear interpolation: pixel i comes from xs[i], ys[i]. */
export function bilinear(image: Float64Array, size: number, channels: number, xs: Float64Array, ys: Float64Array, border: Border): Float64Array {
  const result = new Float64Array(xs.length * channels);
  for (let i = 0, to = 0; i < xs.length; i++) {
    const left = Math.floor(xs[i]!), top = Math.floor(ys[i]!), u = xs[i]! - left, v = ys[i]! - top;
    const x0 = folded(left, size, border) * channels, x1 = folded(left + 1, size, border) * channels;
    const y0 = folded(top, size, border) * size * channels, y1 = folded(top + 1, size, border) * size * channels;
    for (let c = 0; c < channels; c++) {
      const above = image[y0 + x0 + c]! + u * (image[y0 + x1 + c]! - image[y0 + x0 + c]!), below = image[y1 + x0 + c]! + u * (image[y1 + x1 + c]! - image[y1 + x0 + c]!);
      result[to++] = above + v * (below - above);
    }
  }
  return result;
}

/**
 * ImageMagick's motion blur: half a gaussian that runs to one side at an angle in degrees, whose offsets are rounded to whole pixels.
 * The kernel has 2 radius + 1 taps.
 */
export function motionTaps(radius: number, sigma: number, angle: number): Tap[] {
  const width = 2 * radius + 1, turn = (angle * Math.PI) / 180;
  const weights = Array.from({ length: width }, (_, i) => Math.exp(-(i * i) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const whole = (x: number): number => Math.ceil(x - 0.5);
  return weights.map((weight, i) => ({ dx: whole(i * Math.cos(turn)), dy: whole(i * Math.sin(turn)), weight: weight / total }));
}
