/** Two numbers that fall when features collapse, from the batch's own target features. */
import * as tf from '@tensorflow/tfjs-core';
import { withoutGradient } from '../ops/gradients.ts';

/**
 * Of features [..., D]: `feature_std`, the root mean square over dimensions of the standard deviation over tokens (zero when every
 * token is the same; 1 for layer-normed features that fill the space evenly), and `effective_rank`, the participation ratio
 * (tr C)^2 / tr C^2 of their covariance C, between 1 (all variance along one direction) and D. Both are of centred features, the mean
 * token taken off: features that are all the same but for a little have a small deviation and may well have a high rank.
 */
export function featureStatistics(features: tf.Tensor): { feature_std: tf.Tensor; effective_rank: tf.Tensor } {
  return withoutGradient(() =>
    tf.tidy(() => {
      const width = features.shape.at(-1)!;
      const z = tf.reshape<tf.Rank.R2>(features, [-1, width]);
      const centred = tf.sub<tf.Tensor2D>(z, tf.mean(z, 0, true));
      const covariance = tf.div(tf.matMul(centred, centred, true, false), z.shape[0]);
      const trace = tf.div(tf.sum(tf.square(centred)), z.shape[0]);
      return { feature_std: tf.sqrt(tf.div(trace, width)), effective_rank: tf.div(tf.square(trace), tf.add(tf.sum(tf.square(covariance)), 1e-20)) };
    }),
  );
}
