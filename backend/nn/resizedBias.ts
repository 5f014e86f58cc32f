/** BEiT's relative position biases for images of another size, as its authors resize them for fine-tuning (run_class_finetuning.py). */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { resizedGrid } from './resizedGrid.ts';
import { splineWeights } from './spline.ts';

/** Fewer make no cubic spline. */
const leastGrid = 3;

/**
 * Where the offsets -(from - 1) .. from - 1 are laid on the axis of the new ones: further apart the further out, in a geometric progression
 * that ends where the new ones do; for smaller images nearly a patch apart, so that the outer ones are cut off.
 */
function places(from: number, to: number): number[] {
  let [low, high, ratio] = [1.01, 1.5, 1];
  while (high - low > 1e-6) {
    ratio = (low + high) / 2;
    if ((1 - ratio ** (from - 1)) / (1 - ratio) > to - 1) high = ratio;
    else low = ratio;
  }
  const outward: number[] = [];
  for (let i = 0, place = 0; i < from - 1; i++) outward.push((place += ratio ** i));
  return [...outward.map((place) => -place).reverse(), 0, ...outward];
}

/** Weights [2 to - 1][2 from - 1] of the old offsets on one axis in the new ones. */
const axisWeights = (from: number, to: number): number[][] => splineWeights(places(from, to), Array.from({ length: 2 * to - 1 }, (_, i) => i - to + 1));

/**
 * A table [(2 from - 1)^2 + 3, heads] as one of [(2 to - 1)^2 + 3, heads], differentiable; the class token's three entries stay. Throws InputError
 * where it has fewer than three patches a side to be interpolated.
 */
export function resizedBias(table: tf.Tensor, from: number, to: number): tf.Tensor {
  if (from === to) return table;
  if (from < leastGrid) throw new InputError(`relative positions of ${from} x ${from} patches are too few to be interpolated for ${to} x ${to}: leave the size as it is`);
  return tf.tidy(() => {
    const heads = table.shape[1]!, count = (2 * from - 1) ** 2;
    return tf.concat([resizedGrid(tf.slice(table, [0, 0], [count, heads]), axisWeights(from, to)), tf.slice(table, [count, 0], [3, heads])], 0);
  });
}
