/** Masked Autoencoders (He et al., CVPR 2022): the encoder sees a quarter of the patches, a light decoder paints the rest. */
import * as tf from '@tensorflow/tfjs-core';
import { blocks, blocksSpecs, type BlockOptions } from '../nn/block.ts';
import { encode, encoderNorm, encoderSpecs, positionSpec, tokenSpec } from '../nn/encoder.ts';
import { linearLayer, linearSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { scatterTokens } from '../ops/gatherTokens.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { MaeOptions } from './mae.options.ts';
import type { Method, MethodBatch, MethodOutput } from './method.ts';
import { normalizedPixels, pixelTargets } from './pixelTargets.ts';

const decoderBlock = (model: ModelConfig, options: MaeOptions): BlockOptions => ({ width: options.decoderWidth, heads: options.decoderHeads, norm: encoderNorm(model), layerScale: null });

function specs(model: ModelConfig, options: MaeOptions): ParameterSpec[] {
  const { width, grid, patchSize } = transformerDimensions(model);
  return [
    ...encoderSpecs(model, true),
    ...normSpecs('norm', width, encoderNorm(model)),
    positionSpec('pos_embed', width, grid, 'column'),
    ...linearSpecs('decoder_embed', width, options.decoderWidth),
    tokenSpec('mask_token', options.decoderWidth),
    positionSpec('decoder_pos_embed', options.decoderWidth, grid, 'column'),
    ...blocksSpecs('decoder_blocks', options.decoderDepth, decoderBlock(model, options)),
    ...normSpecs('decoder_norm', options.decoderWidth, encoderNorm(model)),
    ...linearSpecs('decoder_pred', options.decoderWidth, 3 * patchSize ** 2),
  ];
}

/** Encodes what is seen and paints every patch: the encoder's tokens, the pixels [B, N, P^2 3], and what they should be. */
function paint(parameters: Parameters, model: ModelConfig, options: MaeOptions, batch: MethodBatch, training: boolean): { latent: tf.Tensor; painted: tf.Tensor; target: tf.Tensor } {
  const p = new Scope(parameters);
  const { patches } = transformerDimensions(model);
  const view = batch.views[0]!;
  const visible = view.visible!, mask = view.mask!;
  const latent = norm(p.at('norm'), encode(p, model, view.patches, p.get('pos_embed'), visible, training), encoderNorm(model), training);
  const sequence = tf.tidy(() => {
    const embedded = linearLayer(p.at('decoder_embed'), latent);
    const [size, tokens, width] = embedded.shape as [number, number, number];
    const kept = scatterTokens(tf.slice(embedded, [0, 1, 0], [size, tokens - 1, width]), visible, patches);
    const filled = tf.add(kept, tf.mul(tf.expandDims(mask, 2), p.get('mask_token')));
    return tf.add(tf.concat([tf.slice(embedded, [0, 0, 0], [size, 1, width]), filled], 1), p.get('decoder_pos_embed'));
  });
  const decoded = norm(p.at('decoder_norm'), blocks(p.at('decoder_blocks'), sequence, options.decoderDepth, decoderBlock(model, options), training), encoderNorm(model), training);
  const painted = linearLayer(p.at('decoder_pred'), tf.slice(decoded, [0, 1, 0], [decoded.shape[0], patches, decoded.shape[2]!]));
  const target = withoutGradient(() => (options.normalizePixels ? normalizedPixels : pixelTargets)(view.patches, model.patchSize));
  return { latent, painted, target };
}

function forward(parameters: Parameters, model: ModelConfig, options: MaeOptions, batch: MethodBatch): MethodOutput {
  const { latent, painted, target } = paint(parameters, model, options, batch, true);
  const mask = batch.views[0]!.mask!;
  const perPatch = tf.mean(tf.squaredDifference(painted, target), -1);
  const loss = tf.div(tf.sum(tf.mul(perPatch, mask)), tf.sum(mask));
  return { loss, metrics: { ...featureStatistics(withoutGradient(() => tf.slice(latent, [0, 1, 0], [latent.shape[0], latent.shape[1]! - 1, latent.shape[2]!]))) }, intermediates: { pred: painted, target } };
}

const reconstruct: Method<MaeOptions>['reconstruct'] = (parameters, model, options, batch) => ({ ...paint(parameters, model, options, batch, false), normalised: options.normalizePixels });

export const mae: Method<MaeOptions> = { name: 'mae', specs, momentumPairs: () => [], forward, reconstruct };
