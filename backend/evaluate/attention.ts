/** Where each token of an image looks, block by block: the probabilities of self-attention, computed for pictures and not for training. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import type { Branch } from '../methods/method.ts';
import { encoderBlock } from '../nn/encoder.ts';
import { linearLayer, norm } from '../nn/layers.ts';
import { transformerDimensions } from '../nn/model.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { encoderScope, encoderTokens, type FeatureModel } from './features.ts';

export interface AttentionMaps {
  heads: number;
  /** The class token and all patches. */
  tokens: number;
  /** [heads, tokens, tokens]: what each token takes of each, rows of sum 1. */
  probabilities: Float32Array;
}

/** Attention of one image, [size, size, 3] RGB, in a block (from 0) of the encoder. Throws InputError where there is no such block. */
export async function attentionMaps(m: FeatureModel, pixels: Uint8Array, branch: Branch, block: number): Promise<AttentionMaps> {
  const { imageSize, patchSize, depth } = transformerDimensions(m.model);
  if (block >= depth) throw new InputError(`there is no block ${block}: this encoder has blocks 0 to ${depth - 1}`);
  const options = encoderBlock(m.model);
  const { heads, width } = options;
  const probabilities = tf.tidy(() =>
    withoutGradient(() => {
      let entering: tf.Tensor | null = null;
      encoderTokens(m, imagePatches(pixels, imageSize, patchSize), branch, (tokens, index) => {
        if (index === block - 1) entering = tf.clone(tokens);
      });
      const scope = encoderScope(m, branch).at(`blocks.${block}`);
      const qkv = linearLayer(scope.at('attn.qkv'), norm(scope.at('norm1'), entering!, options.norm, false));
      const count = qkv.shape[1]!;
      const [q, k] = tf.unstack(tf.slice(tf.transpose(tf.reshape(qkv, [count, 3, heads, width / heads]), [1, 2, 0, 3]), [0, 0, 0, 0], [2, heads, count, width / heads]));
      return tf.softmax(tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(width / heads)));
    }),
  );
  const maps = { heads, tokens: probabilities.shape[1]!, probabilities: (await probabilities.data<'float32'>()).slice() };
  probabilities.dispose();
  return maps;
}
