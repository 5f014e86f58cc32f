/** UniGrad (Tao et al., CVPR 2022): a term that draws prediction and target together, and one that keeps features from becoming alike. */
import * as tf from '@tensorflow/tfjs-core';
import { withoutGradient } from '../ops/gradients.ts';

/** Mean over rows of y^T C y as sum of (y C) * y, C = z^T z / n: linear in the number of rows. y, z [n, D]; no gradient to z. */
export function decorrelation(y: tf.Tensor2D, z: tf.Tensor2D): tf.Tensor {
  const correlation = withoutGradient(() => tf.tidy(() => tf.div(tf.matMul(z, z, true, false), z.shape[0])));
  return tf.div(tf.sum(tf.mul(tf.matMul(y, correlation as tf.Tensor2D), y)), y.shape[0]);
}

/** Mean over rows of y . z. */
export const alignment = (y: tf.Tensor, z: tf.Tensor): tf.Tensor => tf.div(tf.sum(tf.mul(y, z)), y.shape[0]);

/** Of rows of unit length: -y z + (lambda / 2) y^T C y, and both terms. */
export function unitUniGrad(y: tf.Tensor2D, z: tf.Tensor2D, lambda: number): { loss: tf.Tensor; positive: tf.Tensor; negative: tf.Tensor } {
  const positive = tf.neg(alignment(y, z)), negative = decorrelation(y, z);
  return { loss: tf.add(positive, tf.mul(negative, lambda / 2)), positive, negative };
}
