/** Values on a square grid interpolated to another one, an axis after the other. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * values [from^2, C] -> [to^2, C], differentiable; `weights` [to][from] are each new row's and column's of the old ones. By sums of products in
 * fp32 and no matrix product, which an engine may round to bf16.
 */
export function resizedGrid(values: tf.Tensor, weights: number[][]): tf.Tensor {
  const [to, from, width] = [weights.length, weights[0]!.length, values.shape[1]!];
  return tf.tidy(() => {
    const along = tf.tensor2d(weights);
    const rows = tf.sum(tf.mul(tf.reshape(along, [to, from, 1]), tf.reshape(values, [1, from, from * width])), 1);
    const both = tf.sum(tf.mul(tf.reshape(along, [1, to, from, 1]), tf.reshape(rows, [to, 1, from, width])), 2);
    return tf.reshape(both, [to * to, width]);
  });
}
