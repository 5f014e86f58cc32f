/** BEiT's relative position bias (Bao et al., ICLR 2022): a learned number for each head and each offset of two patches, and three for the class token. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec, Scope } from './parameters.ts';

const table = 'rel_pos_bias.relative_position_bias_table';

/** Rows of the table: every offset of query and key, then class token to patch, patch to class token, class token to itself. */
const entries = (grid: number): number => (2 * grid - 1) ** 2 + 3;

/** For query and key [T, T] the row of the table, as the official checkpoints hold it. */
function relativeIndex(grid: number): Float32Array {
  const tokens = 1 + grid * grid;
  return Float32Array.from({ length: tokens * tokens }, (_, i) => {
    const [query, key] = [Math.floor(i / tokens), i % tokens];
    if (query === 0) return entries(grid) - (key === 0 ? 1 : 3);
    if (key === 0) return entries(grid) - 2;
    const offset = (of: (place: number) => number): number => of(query - 1) - of(key - 1) + grid - 1;
    return offset((place) => Math.floor(place / grid)) * (2 * grid - 1) + offset((place) => place % grid);
  });
}

export function relativeBiasSpecs(heads: number, grid: number): ParameterSpec[] {
  const tokens = 1 + grid * grid;
  return [
    { name: table, shape: [entries(grid), heads], initializer: { kind: 'zeros' }, trainable: true },
    { name: 'rel_pos_bias.relative_position_index', shape: [tokens, tokens], initializer: { kind: 'values', values: () => relativeIndex(grid) }, trainable: false },
  ];
}

/** Which offset each pair of query and key on one axis has, as [grid^2, 2 grid - 1] zeros and ones. */
function offsets(grid: number): tf.Tensor2D {
  const size = 2 * grid - 1;
  const values = new Float32Array(grid * grid * size);
  for (let query = 0; query < grid; query++) for (let key = 0; key < grid; key++) values[(query * grid + key) * size + query - key + grid - 1] = 1;
  return tf.tensor2d(values, [grid * grid, size]);
}

/** The bias [heads, 1 + grid^2, 1 + grid^2]; null where the encoder has none. */
export function relativeBias(scope: Scope, grid: number): tf.Tensor | null {
  if (!scope.has(table)) return null;
  return tf.tidy(() => {
    const whole = scope.get(table);
    const [count, heads] = whole.shape as [number, number];
    const size = 2 * grid - 1, patches = grid * grid;
    // The axes one after the other, as products with zeros and ones: its gradient needs no sums over scattered places.
    const place = tf.broadcastTo(tf.expandDims(offsets(grid), 0), [heads, patches, size]);
    const byOffset = tf.reshape(tf.transpose(tf.slice(whole, [0, 0], [size * size, heads])), [heads, size, size]);
    const byPair = tf.matMul(tf.matMul(place, byOffset), place, false, true);
    const among = tf.reshape(tf.transpose(tf.reshape(byPair, [heads, grid, grid, grid, grid]), [0, 1, 3, 2, 4]), [heads, patches, patches]);
    const ofClass = (row: number, shape: [number, number]): tf.Tensor => tf.broadcastTo(tf.reshape(tf.slice(whole, [count - row, 0], [1, heads]), [heads, 1, 1]), [heads, ...shape]);
    return tf.concat([tf.concat([ofClass(1, [1, 1]), ofClass(3, [1, patches])], 2), tf.concat([ofClass(2, [patches, 1]), among], 2)], 1);
  });
}
