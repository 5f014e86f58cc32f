/** Every op of ours once: how it is called, and a slow reference in double precision that shares no code with it. */
import * as tf from '@tensorflow/tfjs-core';
import { attention } from '../../backend/ops/attention.ts';
import { batchNorm } from '../../backend/ops/batchNorm.ts';
import { convolution } from '../../backend/ops/convolution.ts';
import { gatherTokens, scatterTokens } from '../../backend/ops/gatherTokens.ts';
import { gelu } from '../../backend/ops/gelu.ts';
import { l2Normalize } from '../../backend/ops/l2Normalize.ts';
import { layerNorm } from '../../backend/ops/layerNorm.ts';
import { linear } from '../../backend/ops/linear.ts';
import { maxPool } from '../../backend/ops/maxPool.ts';
import { queueContrast } from '../../backend/ops/queueContrast.ts';
import { relu } from '../../backend/ops/relu.ts';
import { transposedConvolution } from '../../backend/ops/transposedConvolution.ts';

/** Keys of a queue, [4, 7], which has no gradient. */
const queue = Float32Array.from({ length: 28 }, (_, i) => Math.cos(2 + 5 * i));

export interface OpCase {
  name: string;
  /** Shapes of the float inputs, all of which are differentiated. */
  shapes: Record<string, number[]>;
  /** Fixed integer inputs. */
  integers?: Record<string, { shape: number[]; values: number[] }>;
  run: (t: Record<string, tf.Tensor>) => tf.Tensor;
  /** The same on flat row-major doubles. */
  reference: (a: Record<string, Float64Array>) => Float64Array;
}

/** erf by its series and continued fraction, to double precision. */
function erf(x: number): number {
  const z = Math.abs(x);
  let result: number;
  if (z < 2.5) {
    let term = z, sum = z;
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    result = (2 / Math.sqrt(Math.PI)) * sum;
  } else {
    let fraction = 0;
    for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
    result = 1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction));
  }
  return x < 0 ? -result : result;
}

const gaussianError = (x: Float64Array): Float64Array => x.map((v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));

function affine(x: Float64Array, w: Float64Array, b: Float64Array | null, inputs: number, outputs: number): Float64Array {
  const rows = x.length / inputs;
  const y = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++)
    for (let o = 0; o < outputs; o++) {
      let sum = b ? b[o]! : 0;
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i]! * w[o * inputs + i]!;
      y[r * outputs + o] = sum;
    }
  return y;
}

/** Normalises along rows (`last`) or columns of [rows, width]. */
function normalise(x: Float64Array, width: number, eps: number, last: boolean, scale?: Float64Array, offset?: Float64Array): Float64Array {
  const rows = x.length / width;
  const y = new Float64Array(x.length);
  const groups = last ? rows : width, n = last ? width : rows;
  const at = (g: number, i: number): number => (last ? g * width + i : i * width + g);
  for (let g = 0; g < groups; g++) {
    let mean = 0, variance = 0;
    for (let i = 0; i < n; i++) mean += x[at(g, i)]! / n;
    for (let i = 0; i < n; i++) variance += (x[at(g, i)]! - mean) ** 2 / n;
    for (let i = 0; i < n; i++) {
      const column = last ? i : g;
      y[at(g, i)] = ((x[at(g, i)]! - mean) / Math.sqrt(variance + eps)) * (scale?.[column] ?? 1) + (offset?.[column] ?? 0);
    }
  }
  return y;
}

function attend(qkv: Float64Array, batch: number, tokens: number, heads: number, size: number, bias?: Float64Array): Float64Array {
  const width = heads * size;
  const value = (b: number, t: number, part: number, h: number, i: number): number => qkv[((b * tokens + t) * 3 + part) * width + h * size + i]!;
  const out = new Float64Array(batch * tokens * width);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < tokens; t++) {
        const scores = Array.from({ length: tokens }, (_, s) => {
          let dot = 0;
          for (let i = 0; i < size; i++) dot += value(b, t, 0, h, i) * value(b, s, 1, h, i);
          return Math.exp(dot / Math.sqrt(size) + (bias?.[(h * tokens + t) * tokens + s] ?? 0));
        });
        const total = scores.reduce((p, q) => p + q, 0);
        for (let i = 0; i < size; i++) out[(b * tokens + t) * width + h * size + i] = scores.reduce((sum, p, s) => sum + (p / total) * value(b, s, 2, h, i), 0);
      }
  return out;
}

/** Sizes of a convolution or a pooling: an image [batch, height, width, channels], a window, and how it moves. */
interface Sliding {
  image: [number, number, number, number];
  window: [number, number];
  stride: number;
  padding: number;
}

/** For each output pixel, in order: which values of channel 0 its window sees, at their place in the window; null outside the image. */
function windowsOf({ image: [batch, height, width, channels], window: [rows, columns], stride, padding }: Sliding): (number | null)[][] {
  const side = (length: number, window: number): number => Math.floor((length + 2 * padding - window) / stride) + 1;
  const seen: (number | null)[][] = [];
  for (let b = 0; b < batch; b++)
    for (let top = 0; top < side(height, rows); top++)
      for (let left = 0; left < side(width, columns); left++)
        seen.push(
          Array.from({ length: rows * columns }, (_, at) => {
            const y = top * stride - padding + Math.floor(at / columns), x = left * stride - padding + (at % columns);
            return y < 0 || y >= height || x < 0 || x >= width ? null : ((b * height + y) * width + x) * channels;
          }),
        );
  return seen;
}

function convolve(x: Float64Array, w: Float64Array, b: Float64Array | null, sliding: Sliding): Float64Array {
  const inputs = sliding.image[3], area = sliding.window[0] * sliding.window[1];
  const outputs = w.length / inputs / area;
  return Float64Array.from(
    windowsOf(sliding).flatMap((seen) =>
      Array.from({ length: outputs }, (_, o) => {
        let sum = b?.[o] ?? 0;
        for (const [at, from] of seen.entries()) if (from !== null) for (let i = 0; i < inputs; i++) sum += x[from + i]! * w[(o * inputs + i) * area + at]!;
        return sum;
      }),
    ),
  );
}

const greatest = (x: Float64Array, sliding: Sliding): Float64Array =>
  Float64Array.from(windowsOf(sliding).flatMap((seen) => Array.from({ length: sliding.image[3] }, (_, c) => Math.max(...seen.map((from) => (from === null ? -Infinity : x[from + c]!))))));

const convolutionCase = (name: string, sliding: Sliding, outputs: number, hasBias = false): OpCase => ({
  name: `convolution, ${name}`,
  shapes: { x: sliding.image, w: [outputs, sliding.image[3], ...sliding.window], ...(hasBias ? { b: [outputs] } : {}) },
  run: ({ x, w, b }) => convolution(x!, w!, b, sliding),
  reference: ({ x, w, b }) => convolve(x!, w!, b ?? null, sliding),
});

/** Each value of x adds its window of w to the output, where a convolution of the output would have read it; `image` is the output's shape. */
function spread(x: Float64Array, w: Float64Array, b: Float64Array | null, sliding: Sliding): Float64Array {
  const [batch, height, width, outputs] = sliding.image, area = sliding.window[0] * sliding.window[1];
  const inputs = w.length / outputs / area;
  const y = Float64Array.from({ length: batch * height * width * outputs }, (_, i) => b?.[i % outputs] ?? 0);
  for (const [pixel, seen] of windowsOf(sliding).entries())
    for (const [at, to] of seen.entries())
      if (to !== null) for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) y[to + o]! += x[pixel * inputs + i]! * w[(i * outputs + o) * area + at]!;
  return y;
}

const transposedCase = (name: string, sliding: Sliding, from: number[], hasBias = false): OpCase => ({
  name: `transposed convolution, ${name}`,
  shapes: { x: from, w: [from[3]!, sliding.image[3], ...sliding.window], ...(hasBias ? { b: [sliding.image[3]] } : {}) },
  run: ({ x, w, b }) => transposedConvolution(x!, w!, b, sliding),
  reference: ({ x, w, b }) => spread(x!, w!, b ?? null, sliding),
});

const maxPoolCase = (name: string, sliding: Sliding): OpCase => ({
  name: `max pooling, ${name}`,
  shapes: { x: sliding.image },
  run: ({ x }) => maxPool(x!, { ...sliding, size: sliding.window[0] }),
  reference: ({ x }) => greatest(x!, sliding),
});

export const opCases: OpCase[] = [
  { name: 'linear', shapes: { x: [2, 3, 5], w: [4, 5], b: [4] }, run: ({ x, w, b }) => linear(x!, w!, b), reference: ({ x, w, b }) => affine(x!, w!, b!, 5, 4) },
  { name: 'linear without bias', shapes: { x: [6, 5], w: [4, 5] }, run: ({ x, w }) => linear(x!, w!), reference: ({ x, w }) => affine(x!, w!, null, 5, 4) },
  { name: 'gelu', shapes: { x: [4, 7] }, run: ({ x }) => gelu(x!), reference: ({ x }) => gaussianError(x!) },
  { name: 'layer norm', shapes: { x: [2, 3, 8], scale: [8], offset: [8] }, run: ({ x, scale, offset }) => layerNorm(x!, scale!, offset!, 1e-6), reference: ({ x, scale, offset }) => normalise(x!, 8, 1e-6, true, scale, offset) },
  { name: 'layer norm without affine', shapes: { x: [5, 8] }, run: ({ x }) => layerNorm(x!, null, null, 1e-5), reference: ({ x }) => normalise(x!, 8, 1e-5, true) },
  { name: 'batch norm', shapes: { x: [3, 4, 6], scale: [6], offset: [6] }, run: ({ x, scale, offset }) => batchNorm(x!, scale!, offset!, 1e-5).y, reference: ({ x, scale, offset }) => normalise(x!, 6, 1e-5, false, scale, offset) },
  { name: 'attention', shapes: { qkv: [2, 5, 24] }, run: ({ qkv }) => attention(qkv!, 2), reference: ({ qkv }) => attend(qkv!, 2, 5, 2, 4) },
  { name: 'attention with a bias', shapes: { qkv: [2, 5, 24], bias: [2, 5, 5] }, run: ({ qkv, bias }) => attention(qkv!, 2, bias), reference: ({ qkv, bias }) => attend(qkv!, 2, 5, 2, 4, bias) },
  {
    name: 'gather tokens',
    shapes: { x: [2, 4, 3] },
    integers: { index: { shape: [2, 2], values: [3, 1, 0, 2] } },
    run: ({ x, index }) => gatherTokens(x!, index!),
    reference: ({ x }) => Float64Array.from([3, 1, 4, 6].flatMap((row) => [0, 1, 2].map((c) => x![row * 3 + c]!))),
  },
  {
    name: 'scatter tokens',
    shapes: { x: [2, 2, 3] },
    integers: { index: { shape: [2, 2], values: [3, 1, 0, 2] } },
    run: ({ x, index }) => scatterTokens(x!, index!, 4),
    reference: ({ x }) => {
      const y = new Float64Array(24);
      [3, 1, 4, 6].forEach((row, i) => y.set(x!.subarray(i * 3, i * 3 + 3), row * 3));
      return y;
    },
  },
  {
    name: 'queue contrast',
    shapes: { queries: [5, 4], positive: [5] },
    run: ({ queries, positive }) => queueContrast(queries!, positive!, tf.tensor(queue, [4, 7]), 0.5),
    reference: ({ queries, positive }) =>
      positive!.map((own, row) => {
        const logits = [own, ...Array.from({ length: 7 }, (_, key) => [0, 1, 2, 3].reduce((sum, c) => sum + queries![4 * row + c]! * queue[7 * c + key]!, 0))].map((v) => v / 0.5);
        return Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[0]!;
      }),
  },
  { name: 'l2 normalise', shapes: { x: [4, 6] }, run: ({ x }) => l2Normalize(x!), reference: ({ x }) => x!.map((v, i) => v / Math.hypot(...x!.subarray(i - (i % 6), i - (i % 6) + 6))) },
  convolutionCase('one pixel', { image: [2, 3, 4, 5], window: [1, 1], stride: 1, padding: 0 }, 6),
  convolutionCase('padded, with bias', { image: [2, 5, 4, 3], window: [3, 3], stride: 1, padding: 1 }, 4, true),
  convolutionCase('strided, with pixels left over', { image: [2, 6, 7, 3], window: [3, 3], stride: 2, padding: 1 }, 4),
  convolutionCase('one pixel of every second', { image: [2, 5, 6, 3], window: [1, 1], stride: 2, padding: 0 }, 4),
  convolutionCase('a window that is not square', { image: [1, 6, 6, 2], window: [2, 3], stride: 2, padding: 0 }, 3, true),
  convolutionCase('a window of seven', { image: [1, 8, 8, 3], window: [7, 7], stride: 2, padding: 3 }, 4),
  transposedCase('doubling, with bias', { image: [2, 6, 8, 3], window: [4, 4], stride: 2, padding: 1 }, [2, 3, 4, 5], true),
  transposedCase('a window that is not square', { image: [1, 6, 6, 2], window: [2, 4], stride: 2, padding: 0 }, [1, 3, 2, 3]),
  maxPoolCase('overlapping and padded', { image: [2, 7, 6, 3], window: [3, 3], stride: 2, padding: 1 }),
  maxPoolCase('side by side, with pixels left over', { image: [2, 5, 4, 3], window: [2, 2], stride: 2, padding: 0 }),
  { name: 'batch norm of images', shapes: { x: [2, 3, 4, 5], scale: [5], offset: [5] }, run: ({ x, scale, offset }) => batchNorm(x!, scale!, offset!, 1e-5).y, reference: ({ x, scale, offset }) => normalise(x!, 5, 1e-5, false, scale, offset) },
  { name: 'relu', shapes: { x: [4, 7] }, run: ({ x }) => relu(x!), reference: ({ x }) => x!.map((v) => Math.max(v, 0)) },
];
