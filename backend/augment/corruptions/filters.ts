/** Filters of images in double precision, [size, size, channels], with the borders of the libraries that the published corruptions call. */

/** What lies beyond an edge `a b c d`: `edge` a a, `reflect` b a, `reflect101` c b. */
export type Border = 'edge' | 'reflect' | 'reflect101';

/** The place inside [0, size) that stands for any whole number. */
export function folded(at: number, size: number, border: Border): number {
  if (border === 'edge' || size === 1) return Math.min(size - 1, Math.max(0, at));
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
export function weighted(image: Float64Array, size: number, channels: number, taps: readonly Tap[], border: Border): Float64Array {
  const reach = Math.max(...taps.map(({ dx, dy }) => Math.max(Math.abs(dx), Math.abs(dy))));
  const source = padded(image, size, channels, reach, border), stride = (size + 2 * reach) * channels;
  const result = new Float64Array(image.length), length = size * channels;
  const offsets = taps.map(({ dx, dy }) => (reach + dy) * stride + (reach + dx) * channels);
  // Four taps at a time, for each time costs a pass over the row.
  for (let y = 0; y < size; y++)
    for (let t = 0; t < taps.length; t += 4) {
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => taps[t + i]?.weight ?? 0) as [number, number, number, number];
      let [from0, from1, from2, from3] = [0, 1, 2, 3].map((i) => (offsets[t + i] ?? 0) + y * stride) as [number, number, number, number];
      for (let to = y * length; to < (y + 1) * length; to++) result[to]! += a * source[from0++]! + b * source[from1++]! + c * source[from2++]! + d * source[from3++]!;
    }
  return result;
}

/** The weights of a one-dimensional filter that fall on the pixels of an axis, borders folded in. */
interface AxisWeights {
  first: number;
  weights: Float64Array;
}

function gaussianWeights(size: number, sigma: number, truncate: number, border: Border): AxisWeights[] {
  const radius = Math.trunc(truncate * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => (sigma === 0 ? 1 : Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma))));
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: size }, (_, at) => {
    const weights = new Float64Array(size);
    let first = size, last = 0;
    for (let i = -radius; i <= radius; i++) {
      const place = folded(at + i, size, border);
      weights[place]! += kernel[i + radius]! / total;
      first = Math.min(first, place);
      last = Math.max(last, place);
    }
    return { first, weights: weights.slice(first, last + 1) };
  });
}

/** SciPy's gaussian filter of both axes: the kernel reaches `truncate` standard deviations. */
export function gaussian(image: Float64Array, size: number, channels: number, sigma: number, truncate: number, border: Border): Float64Array {
  const axis = gaussianWeights(size, sigma, truncate, border), length = size * channels;
  const rows = new Float64Array(image.length), result = new Float64Array(image.length);
  axis.forEach(({ first, weights }, y) => {
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k]!;
      let from = (first + k) * length;
      for (let to = y * length; to < (y + 1) * length; to++) rows[to]! += weight * image[from++]!;
    }
  });
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const { first, weights } = axis[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0, from = (y * size + first) * channels + c; k < weights.length; k++, from += channels) sum += weights[k]! * rows[from]!;
        result[(y * size + x) * channels + c] = sum;
      }
    }
  return result;
}

/** The middle of the image enlarged `factor` times by bilinear interpolation whose corners meet (SciPy's zoom), cut to the image's size. */
export function zoomed(image: Float64Array, size: number, channels: number, factor: number): Float64Array {
  const cut = Math.ceil(size / factor), top = Math.floor((size - cut) / 2), wide = roundHalfEven(cut * factor), trim = Math.floor((wide - size) / 2);
  const scale = wide > 1 ? (cut - 1) / (wide - 1) : 0;
  const places = Array.from({ length: size }, (_, i) => {
    const at = (i + trim) * scale, low = Math.min(Math.floor(at), cut - 1);
    return { low: top + low, high: top + Math.min(low + 1, cut - 1), share: at - low };
  });
  const result = new Float64Array(image.length), row = new Float64Array(size * channels);
  places.forEach(({ low, high, share }, y) => {
    const [above, below] = [low * size * channels, high * size * channels];
    for (let i = 0; i < row.length; i++) row[i] = image[above + i]! + share * (image[below + i]! - image[above + i]!);
    let to = y * size * channels;
    for (const place of places) {
      const [left, right] = [place.low * channels, place.high * channels];
      for (let c = 0; c < channels; c++) result[to++] = row[left + c]! + place.share * (row[right + c]! - row[left + c]!);
    }
  });
  return result;
}

/** Python's rounding. */
const roundHalfEven = (x: number): number => (x - Math.floor(x) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** The image at any place, by bilinear interpolation. */
export function bilinear(image: Float64Array, size: number, channels: number, x: number, y: number, border: Border, result: Float64Array, to: number): void {
  const left = Math.floor(x), top = Math.floor(y), [u, v] = [x - left, y - top];
  const [x0, x1] = [folded(left, size, border) * channels, folded(left + 1, size, border) * channels];
  const [y0, y1] = [folded(top, size, border) * size * channels, folded(top + 1, size, border) * size * channels];
  for (let c = 0; c < channels; c++) {
    const above = image[y0 + x0 + c]! + u * (image[y0 + x1 + c]! - image[y0 + x0 + c]!), below = image[y1 + x0 + c]! + u * (image[y1 + x1 + c]! - image[y1 + x0 + c]!);
    result[to + c] = above + v * (below - above);
  }
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
