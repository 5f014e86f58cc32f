/** BEiT's relative position bias (Bao et al., ICLR 2022): a learned number for each head and each offset of two patches, and three for the class token. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec, Scope } from './parameters.ts';
import { resizedBias } from './resizedBias.ts';

/** The table's name, in a block's attention or under `rel_pos_bias`. */
export const relativeTable = 'relative_position_bias_table';
/** Where the table is that all blocks share. */
export const sharedBias = 'rel_pos_bias';

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

/** Patches a side that a table of so many rows is for; no whole number where it is none. */
export const gridOfTable = (rows: number): number => (Math.sqrt(rows - 3) + 1) / 2;

/** The table of a block, or of all. */
export const relativeTableSpec = (scope: string, heads: number, grid: number): ParameterSpec => ({ name: `${scope}.${relativeTable}`, shape: [entries(grid), heads], initializer: { kind: 'zeros' }, trainable: true });

/** The shared table, and the index that pre-training's checkpoints have beside it. */
export function relativeBiasSpecs(heads: number, grid: number): ParameterSpec[] {
  const tokens = 1 + grid * grid;
  return [
    relativeTableSpec(sharedBias, heads, grid),
    { name: `${sharedBias}.relative_position_index`, shape: [tokens, tokens], initializer: { kind: 'values', values: () => relativeIndex(grid) }, trainable: false },
  ];
}

/** Which offset each pair of query and key on one axis has, as [grid^2, 2 grid - 1] zeros and ones. */
function offsets(grid: number): tf.Tensor2D {
  const size = 2 * grid - 1;
  const values = new Float32Array(grid * grid * size);
  for (let query = 0; query < grid; query++) for (let key = 0; key < grid; key++) values[(query * grid + key) * size + query - key + grid - 1] = 1;
  return tf.tensor2d(values, [grid * grid, size]);
}

/**
 * The bias [heads, 1 + patches, 1 + patches] by the table in the scope, which is resized where it is of another grid; null where there is none.
 * Throws InputError as `resizedBias` does.
 */
export function relativeBias(scope: Scope, patches: number): tf.Tensor | null {
  if (!scope.has(relativeTable)) return null;
  return tf.tidy(() => {
    const own = scope.get(relativeTable), grid = Math.sqrt(patches), size = 2 * grid - 1;
    const whole = resizedBias(own, gridOfTable(own.shape[0]), grid);
    const [count, heads] = whole.shape as [number, number];
    // The axes one after the other, as products with zeros and ones: its gradient needs no sums over scattered places.
    const place = tf.broadcastTo(tf.expandDims(offsets(grid), 0), [heads, patches, size]);
    const byOffset = tf.reshape(tf.transpose(tf.slice(whole, [0, 0], [size * size, heads])), [heads, size, size]);
    const byPair = tf.matMul(tf.matMul(place, byOffset), place, false, true);
    const among = tf.reshape(tf.transpose(tf.reshape(byPair, [heads, grid, grid, grid, grid]), [0, 1, 3, 2, 4]), [heads, patches, patches]);
    const ofClass = (row: number, shape: [number, number]): tf.Tensor => tf.broadcastTo(tf.reshape(tf.slice(whole, [count - row, 0], [1, heads]), [heads, 1, 1]), [heads, ...shape]);
    return tf.concat([tf.concat([ofClass(1, [1, 1]), ofClass(3, [1, patches])], 2), tf.concat([ofClass(2, [patches, 1]), among], 2)], 1);
  });
}
