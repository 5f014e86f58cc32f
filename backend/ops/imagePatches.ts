/** Images from the loader's bytes to normalised patches: what a patch embedding multiplies, a row a patch. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from './op.ts';

/** ImageNet's statistics, in units of 1 (channel values 0 to 1), as every recipe here uses them. */
export const imagenetMean = [0.485, 0.456, 0.406];
export const imagenetStd = [0.229, 0.224, 0.225];

export interface ImagePatchesAttributes {
  /** [batch, size, size, 3] RGB bytes. */
  pixels: Uint8Array;
  batch: number;
  size: number;
  patch: number;
  mean: number[];
  std: number[];
}

const run = defineOp<ImagePatchesAttributes>({
  name: 'ImagePatches',
  composition: (_, { pixels, batch, size, patch, mean, std }) => {
    const grid = size / patch;
    const image = tf.tensor(Float32Array.from(pixels), [batch * grid * patch * grid * patch, 3], 'float32');
    const normalized = tf.div(tf.sub(tf.div(image, 255), tf.tensor1d(mean)), tf.tensor1d(std));
    return patchesOf(tf.transpose(tf.reshape(normalized, [batch, size, size, 3]), [0, 3, 1, 2]), patch);
  },
});

/** Bytes [batch, size, size, 3] -> [batch, (size / patch)^2, 3 patch^2], channel by channel, each patch row by row. */
export function imagePatches(pixels: Uint8Array, size: number, patch: number, mean: number[] = imagenetMean, std: number[] = imagenetStd): tf.Tensor {
  return one(run({}, { pixels, batch: pixels.length / (size * size * 3), size, patch, mean, std }));
}

/** Normalised images [batch, 3, size, size] -> [batch, (size / patch)^2, 3 patch^2], in the order of a convolution's weights. */
export function patchesOf(images: tf.Tensor, patch: number): tf.Tensor {
  const [batch, , size] = images.shape as [number, number, number];
  const grid = size / patch;
  // Two transposes of low rank: not every engine has one of rank 6.
  const tiles = tf.transpose(tf.reshape(images, [batch * 3 * grid, patch, grid, patch]), [0, 2, 1, 3]);
  const ordered = tf.transpose(tf.reshape(tiles, [batch, 3, grid * grid, patch * patch]), [0, 2, 1, 3]);
  return tf.reshape(ordered, [batch, grid * grid, 3 * patch * patch]);
}

/** Patches [batch, grid^2, 3 patch^2] of square images -> the images, [batch, size, size, 3]. */
export function imagesOf(patches: tf.Tensor, patch: number): tf.Tensor {
  const [batch, count] = patches.shape as [number, number];
  const grid = Math.round(Math.sqrt(count));
  const pixels = tf.transpose(tf.reshape(patches, [batch * grid, grid, 3, patch * patch]), [0, 1, 3, 2]);
  const rows = tf.transpose(tf.reshape(pixels, [batch * grid, grid, patch, patch * 3]), [0, 2, 1, 3]);
  return tf.reshape(rows, [batch, grid * patch, grid * patch, 3]);
}
