/** Pixels as a target, as MAE has them: each patch in the order (y, x, channel), normalised by its own mean and variance. */
import * as tf from '@tensorflow/tfjs-core';

const varianceEps = 1e-6;

/** patches [B, N, 3 P^2] channel by channel -> [B, N, P^2 3]. */
export function pixelTargets(patches: tf.Tensor, patchSize: number): tf.Tensor {
  const [batch, count, size] = patches.shape as [number, number, number];
  return tf.reshape(tf.transpose(tf.reshape(patches, [batch * count, 3, patchSize ** 2]), [0, 2, 1]), [batch, count, size]);
}

/** As `pixelTargets`, each patch (x - mean) / sqrt(variance + 1e-6), the variance unbiased (He et al., 2022, and their code). */
export function normalizedPixels(patches: tf.Tensor, patchSize: number): tf.Tensor {
  return tf.tidy(() => {
    const pixels = pixelTargets(patches, patchSize);
    const size = pixels.shape[2]!;
    const centred = tf.sub(pixels, tf.mean(pixels, -1, true));
    const variance = tf.div(tf.sum(tf.square(centred), -1, true), size - 1);
    return tf.div(centred, tf.sqrt(tf.add(variance, varianceEps)));
  });
}
