/** Where each token of an image looks, block by block: the probabilities of self-attention, computed for pictures and not for training. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import type { Branch } from '../methods/method.ts';
import { attentionProbabilities } from '../nn/block.ts';
import { encoderBlock } from '../nn/encoder.ts';
import { transformerDimensions } from '../nn/model.ts';
import { relativeBias, sharedBias } from '../nn/relativeBias.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { encoderScope, encoderTokens, sideOf, type FeatureModel } from './features.ts';

export interface AttentionMaps {
  heads: number;
  /** The class token and all patches. */
  tokens: number;
  /** [heads, tokens, tokens]: what each token takes of each, rows of sum 1. */
  probabilities: Float32Array;
}

/** Attention of one square image, [size, size, 3] RGB, in a block (from 0) of the encoder. Throws InputError where there is no such block. */
export async function attentionMaps(m: FeatureModel, pixels: Uint8Array, branch: Branch, block: number): Promise<AttentionMaps> {
  const { patchSize, depth } = transformerDimensions(m.model);
  if (block >= depth) throw new InputError(`there is no block ${block}: this encoder has blocks 0 to ${depth - 1}`);
  const probabilities = tf.tidy(() =>
    withoutGradient(() => {
      let entering: tf.Tensor | null = null;
      encoderTokens(m, imagePatches(pixels, sideOf(pixels), patchSize), branch, (tokens, index) => {
        if (index === block - 1) entering = tf.clone(tokens);
      });
      return attentionProbabilities(encoderScope(m, branch).at(`blocks.${block}`), entering!, { ...encoderBlock(m.model), positionBias: relativeBias(encoderScope(m, branch).at(sharedBias), entering!.shape[1]! - 1) });
    }),
  );
  const [, heads, tokens] = probabilities.shape as [number, number, number];
  const maps = { heads, tokens, probabilities: (await probabilities.data<'float32'>()).slice() };
  probabilities.dispose();
  return maps;
}
