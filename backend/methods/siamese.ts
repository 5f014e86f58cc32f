/**
 * Siamese Image Modeling (Tao et al., CVPR 2023): the online branch sees a masked view a and predicts the dense features that
 * the momentum branch has of view b, given where b lies in a's frame. Also every row of the paper's ablation table.
 */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { blocks, blocksSpecs, type BlockOptions } from '../nn/block.ts';
import { encode, encoderSpecs, positionSpec, positionsOf, tokenSpec } from '../nn/encoder.ts';
import { linearLayer, linearSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { mapRelativePosition, relativePositionParts } from '../nn/positions.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput } from './method.ts';
import { normalizedPixels } from './pixelTargets.ts';
import type { SiameseOptions } from './siamese.options.ts';
import { alignment, decorrelation, unitUniGrad } from './unigrad.ts';

const batchNormEps = 1e-5;
const targetNormEps = 1e-5;

const decoderWidth = (model: ModelConfig, options: SiameseOptions): number => options.decoderWidth ?? transformerDimensions(model).width;

function decoderBlock(model: ModelConfig, options: SiameseOptions, kind: 'batch' | 'layer'): BlockOptions {
  return { width: decoderWidth(model, options), heads: options.decoderHeads, norm: { kind, eps: kind === 'batch' ? batchNormEps : model.layerNormEps }, layerScale: null };
}

/** Parameters that both branches have: the target's are the momentum average, under the prefix `mm_`. */
function branchSpecs(model: ModelConfig, options: SiameseOptions): ParameterSpec[] {
  const { width } = transformerDimensions(model);
  return [
    ...encoderSpecs(model, options.trainPatchEmbed || options.target === 'pixel'),
    ...linearSpecs('decoder_embed', width, decoderWidth(model, options)),
    ...blocksSpecs('projector_decoder_blocks', options.projectorDepth, decoderBlock(model, options, options.projectorNorm)),
  ];
}

function specs(model: ModelConfig, options: SiameseOptions): ParameterSpec[] {
  const { width, grid, patchSize } = transformerDimensions(model);
  const decoder = decoderWidth(model, options);
  if (decoder % options.decoderHeads !== 0 || decoder % 4 !== 0) throw new InputError(`method.decoderWidth ${decoder} must be a multiple of method.decoderHeads ${options.decoderHeads} and of 4`);
  if (options.target === 'pixel' && (options.loss !== 'l2' || options.level !== 'dense')) throw new InputError('method.target "pixel" needs method.loss "l2" and method.level "dense": pixels have no global or decorrelated form');
  const mask = tokenSpec('mask_token', decoder);
  const branch = branchSpecs(model, options);
  return [
    ...branch,
    mask,
    positionSpec('pos_embed', width, grid, 'row'),
    positionSpec('decoder_pos_embed', decoder, grid, 'row'),
    ...blocksSpecs('predictor_decoder_blocks', options.predictorDepth, decoderBlock(model, options, options.predictorNorm)),
    ...linearSpecs('decoder_pred', decoder, options.target === 'pixel' ? 3 * patchSize ** 2 : decoder),
    ...linearSpecs('decoder_pos_mlp', 2 * decoder, decoder),
    // The official code applies this norm to the prediction and does not train it.
    ...(options.onlineNorm ? normSpecs('student_norm', decoder, { kind: 'layer', eps: model.layerNormEps }).map((s) => ({ ...s, trainable: false })) : []),
    ...(options.target === 'feature' ? [...branch, mask].map((s) => ({ ...s, name: `mm_${s.name}`, trainable: false, copyOf: s.name })) : []),
  ];
}

/** Encoder, linear, projector: [B, 1 + K, decoder width], or one mean token a view where the loss is global. */
function project(scope: Scope, model: ModelConfig, options: SiameseOptions, encoded: tf.Tensor, training: boolean): tf.Tensor {
  const tokens = options.level === 'global' ? tf.mean(withoutClass(encoded), 1, true) : encoded;
  return blocks(scope.at('projector_decoder_blocks'), linearLayer(scope.at('decoder_embed'), tokens), options.projectorDepth, decoderBlock(model, options, options.projectorNorm), training);
}

const withoutClass = (tokens: tf.Tensor): tf.Tensor => tf.slice(tokens, [0, 1, 0], [tokens.shape[0], tokens.shape[1]! - 1, tokens.shape[2]!]);

/** The prediction y of view b's tokens from view a's: [B, N, width], or [B, 1, width] where the loss is global. */
function predict(p: Scope, model: ModelConfig, options: SiameseOptions, batch: MethodBatch, training: boolean): tf.Tensor {
  const { grid, patches } = transformerDimensions(model);
  const a = batch.views[0]!;
  const encoded = encode(p, model, a.patches, p.get('pos_embed'), a.visible, training);
  const projected = project(p, model, options, encoded, training);
  const predictor = decoderBlock(model, options, options.predictorNorm);
  if (options.level === 'global') return linearLayer(p.at('decoder_pred'), blocks(p.at('predictor_decoder_blocks'), projected, options.predictorDepth, predictor, training));
  const sequence = tf.tidy(() => {
    const positions = p.get('decoder_pos_embed');
    const [size, , width] = projected.shape as [number, number, number];
    const cls = tf.add(tf.slice(projected, [0, 0, 0], [size, 1, width]), tf.slice(positions, [0, 0, 0], [1, 1, width]));
    const visible = tf.add(withoutClass(projected), positionsOf(positions, a.visible));
    const relative = mapRelativePosition(relativePositionParts(batch.geometry!, grid, width), p.get('decoder_pos_mlp.weight'), p.get('decoder_pos_mlp.bias'));
    return tf.concat([cls, visible, tf.add(relative, p.get('mask_token'))], 1);
  });
  const read = (tokens: tf.Tensor): tf.Tensor => tf.slice(tokens, [0, tokens.shape[1]! - patches, 0], [tokens.shape[0], patches, tokens.shape[2]!]);
  return linearLayer(p.at('decoder_pred'), blocks(p.at('predictor_decoder_blocks'), sequence, options.predictorDepth, predictor, training, { read }));
}

/** The target branch's features of view b, as they are and normalised (z); no gradient. */
function features(parameters: Parameters, model: ModelConfig, options: SiameseOptions, batch: MethodBatch): { raw: tf.Tensor; normalized: tf.Tensor } {
  return withoutGradient(() =>
    tf.tidy(() => {
      const target = new Scope(parameters, 'mm_');
      const encoded = encode(target, model, batch.views[1]!.patches, parameters.get('pos_embed'), null, true);
      const projected = project(target, model, options, encoded, true);
      const raw = options.level === 'global' ? projected : withoutClass(projected);
      return { raw, normalized: options.targetNorm === 'layer' ? layerNorm(raw, null, null, targetNormEps) : l2Normalize(raw) };
    }),
  );
}

function featureLoss(options: SiameseOptions, prediction: tf.Tensor, target: tf.Tensor): Pick<MethodOutput, 'loss' | 'metrics'> {
  const width = prediction.shape.at(-1)!;
  const z = tf.reshape<tf.Rank.R2>(target, [-1, width]);
  const raw = tf.reshape<tf.Rank.R2>(prediction, [-1, width]);
  if (options.targetNorm === 'l2') {
    const y = l2Normalize(raw) as tf.Tensor2D;
    if (options.loss === 'l2') {
      const squared = tf.sub(2, tf.mul(2, alignment(y, z)));
      return { loss: squared, metrics: { positive_term: tf.clone(squared) } };
    }
    const { loss, positive, negative } = unitUniGrad(y, z, options.lambda);
    return { loss, metrics: { positive_term: positive, negative_term: negative } };
  }
  const squared = tf.div(tf.sum(tf.squaredDifference(raw, z)), raw.shape[0]);
  if (options.loss === 'l2') return { loss: tf.div(squared, width), metrics: { positive_term: squared } };
  const negative = decorrelation(raw, z);
  return { loss: tf.div(tf.add(squared, tf.mul(negative, options.lambda)), width), metrics: { positive_term: squared, negative_term: negative } };
}

function forward(parameters: Parameters, model: ModelConfig, options: SiameseOptions, batch: MethodBatch): MethodOutput {
  const online = new Scope(parameters);
  if (options.target === 'pixel') {
    const prediction = predict(online, model, options, batch, true);
    const target = withoutGradient(() => normalizedPixels(batch.views[1]!.patches, model.patchSize));
    const perPatch = tf.mean(tf.squaredDifference(prediction, target), -1);
    // One view: the masked patches, as MAE. Two views: every patch of the other one.
    const mask = options.views === 'same' ? batch.views[0]!.mask : null;
    const loss = mask ? tf.div(tf.sum(tf.mul(perPatch, mask)), tf.sum(mask)) : tf.mean(perPatch);
    return { loss, metrics: {}, intermediates: { pred: prediction, target } };
  }
  const target = features(parameters, model, options, batch);
  const prediction = predict(online, model, options, batch, true);
  const compared = options.onlineNorm ? norm(online.at('student_norm'), prediction, { kind: 'layer', eps: targetNormEps }, true) : prediction;
  const { loss, metrics } = featureLoss(options, compared, target.normalized);
  return { loss, metrics: { ...metrics, ...featureStatistics(target.normalized) }, intermediates: { pred: prediction, target: target.raw } };
}

export const siamese: Method<SiameseOptions> = {
  name: 'siamese',
  specs,
  momentumPairs: (model, options) => (options.target === 'feature' ? [...branchSpecs(model, options), tokenSpec('mask_token', 1)].filter((s) => !/running_|num_batches/.test(s.name)).map((s) => [`mm_${s.name}`, s.name]) : []),
  forward,
  project: (parameters, model, options, encoded, branch) => project(new Scope(parameters, branch === 'target' ? 'mm_' : ''), model, { ...options, level: 'dense' }, encoded, false),
  predict: (parameters, model, options, batch) => (options.target === 'feature' && options.level === 'dense' ? predict(new Scope(parameters), model, options, batch, false) : null),
};
