/** Position embeddings: the fixed 2-d sin-cos table (MoCo-v3, MAE) and SiameseIM's relative embedding of one crop's patches in another's frame. */
import * as tf from '@tensorflow/tfjs-core';
import type { RelativeGeometry } from '../augment/geometry.ts';
import { linear } from '../ops/linear.ts';
import { relativePositionTables } from './relativeTables.ts';

/**
 * A [1 + grid^2, width] table, the class token's row zero. Frequencies 10000^(-k / (width / 4)); each axis gives width / 4 sines
 * and width / 4 cosines. `first` names the axis of the first half: rows in MoCo-v3 and SiameseIM, columns in MAE.
 */
export function sinCosTable(width: number, grid: number, first: 'row' | 'column'): Float32Array {
  const quarter = width / 4;
  const table = new Float32Array((1 + grid * grid) * width);
  for (let row = 0; row < grid; row++)
    for (let column = 0; column < grid; column++) {
      const at = (1 + row * grid + column) * width;
      const axes = first === 'row' ? [row, column] : [column, row];
      for (let k = 0; k < quarter; k++) {
        const frequency = 10000 ** (-k / quarter);
        axes.forEach((position, axis) => {
          table[at + axis * 2 * quarter + k] = Math.sin(position * frequency);
          table[at + axis * 2 * quarter + quarter + k] = Math.cos(position * frequency);
        });
      }
    }
  return table;
}

/** The relative embedding by its parts, for it is a sum over axes: D is the width of the tokens that it is mapped to. */
export interface RelativeParts {
  /** sin and cos of the row of view b's patches in view a's grid: [B, grid, D / 2]. */
  rows: tf.Tensor;
  /** The same of columns. */
  columns: tf.Tensor;
  /** sin and cos of 10 ln of the height ratio, then of the width ratio: [B, D]. */
  scales: tf.Tensor;
}

/** The tables as tensors, for `mapRelativePosition`. */
export function relativePositionParts(geometry: RelativeGeometry[], grid: number, width: number): RelativeParts {
  const { rows, columns, scales } = relativePositionTables(geometry, grid, width);
  const [batch, half] = [geometry.length, width / 2];
  return { rows: tf.tensor(rows, [batch, grid, half]), columns: tf.tensor(columns, [batch, grid, half]), scales: tf.tensor(scales, [batch, width]) };
}

/** The whole embedding, [B, grid^2, 2 D]: what the parts stand for, for pictures and tests. */
export function relativePositionEmbedding({ rows, columns, scales }: RelativeParts): tf.Tensor {
  return tf.tidy(() => {
    const [batch, grid, half] = rows.shape as [number, number, number];
    const spread = (x: tf.Tensor, shape: number[], width: number): tf.Tensor => tf.broadcastTo(tf.reshape(x, shape), [batch, grid, grid, width]);
    const whole = tf.concat([spread(rows, [batch, grid, 1, half], half), spread(columns, [batch, 1, grid, half], half), spread(scales, [batch, 1, 1, 2 * half], 2 * half)], 3);
    return tf.reshape(whole, [batch, grid * grid, 4 * half]);
  });
}

/**
 * The embedding mapped by W [D, 2 D] and b: [B, grid^2, D]. The product is taken part by part, each with as many rows as the part
 * has values of its own, which is grid / 2 times less work than with the whole embedding.
 */
export function mapRelativePosition({ rows, columns, scales }: RelativeParts, w: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [batch, grid, half] = rows.shape as [number, number, number];
    const width = w.shape[0];
    const part = (x: tf.Tensor, from: number, size: number): tf.Tensor => linear(x, tf.slice(w, [0, from], [width, size]));
    const byRow = tf.reshape(part(rows, 0, half), [batch, grid, 1, width]);
    const byColumn = tf.reshape(part(columns, half, half), [batch, 1, grid, width]);
    const byScale = tf.reshape(tf.add(part(scales, 2 * half, 2 * half), b), [batch, 1, 1, width]);
    return tf.reshape(tf.add(tf.add(byRow, byScale), byColumn), [batch, grid * grid, width]);
  });
}
