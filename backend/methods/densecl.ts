/** DenseCL (Wang et al., CVPR 2021) on a ResNet, or on ViT's patch tokens: images and, patch by patch, their best matches in the other view against queues of earlier keys. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { dropPath } from '../nn/dropPath.ts';
import { encode, encoderNorm } from '../nn/encoder.ts';
import { norm } from '../nn/layers.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import { resnetFeatures, resnetSpecs } from '../nn/resnet.ts';
import { copied, followers, prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { gatherTokens } from '../ops/gatherTokens.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import { linear } from '../ops/linear.ts';
import { queueContrast } from '../ops/queueContrast.ts';
import { relu } from '../ops/relu.ts';
import { parameterUpdates } from '../ops/updates.ts';
import type { DenseclOptions } from './densecl.options.ts';
import { timmSpecs } from './distillation.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, StepContext, ViewTensors } from './method.ts';

/** Two layers by a torch.nn.Sequential's numbers; the dense head's are convolutions of one pixel in the official files. */
function headSpecs(name: string, inputs: number, { hiddenWidth, outputWidth }: DenseclOptions, isConvolution: boolean): ParameterSpec[] {
  const layer = (number: number, from: number, to: number): ParameterSpec[] => [
    { name: `${name}.${number}.weight`, shape: [to, from, ...(isConvolution ? [1, 1] : [])], initializer: { kind: 'normal', std: 0.01 }, trainable: true },
    { name: `${name}.${number}.bias`, shape: [to], initializer: { kind: 'zeros' }, trainable: true },
  ];
  return [...layer(0, inputs, hiddenWidth), ...layer(2, hiddenWidth, outputWidth)];
}

function specs(model: ModelConfig, options: DenseclOptions): ParameterSpec[] {
  const dimensions = modelDimensions(model);
  const { width } = dimensions;
  const encoder = dimensions.kind === 'residual' ? resnetSpecs(dimensions) : timmSpecs(model);
  const branch = [...prefixed('0.', encoder), ...prefixed('1.', [...headSpecs('mlp', width, options, false), ...headSpecs('mlp2', width, options, true)])];
  const queue = (name: string): ParameterSpec[] => [
    { name, shape: [options.outputWidth, options.queueLength], initializer: { kind: 'directions' }, trainable: false },
    { name: `${name}_ptr`, shape: [1], initializer: { kind: 'zeros' }, trainable: false },
  ];
  return [
    ...prefixed('encoder_q.', branch),
    ...copied('encoder_q.', 'encoder_k.', branch),
    // The official file has the query encoder a second time.
    ...encoder.map((spec): ParameterSpec => ({ ...spec, name: `backbone.${spec.name}`, aliasOf: `encoder_q.0.${spec.name}`, trainable: false })),
    ...queue('queue'),
    ...queue('queue2'),
    // The official optimizer decays everything.
  ].map((spec) => ({ ...spec, decay: true }));
}

function head(scope: Scope, x: tf.Tensor): tf.Tensor {
  const layer = (number: number, y: tf.Tensor): tf.Tensor => {
    const weight = scope.get(`${number}.weight`);
    return linear(y, tf.reshape(weight, weight.shape.slice(0, 2)), scope.get(`${number}.bias`));
  };
  return layer(2, relu(layer(0, x)));
}

interface Projected {
  /** The encoder's features on their grid, [B, N, D]. */
  features: tf.Tensor;
  /** Unit vectors of images, [B, O]. */
  single: tf.Tensor;
  /** Unit vectors of patches, [B, N, O]. */
  grid: tf.Tensor;
  /** The mean of the patches' vectors before they are normalised, of unit length, [B, O]. */
  pooled: tf.Tensor;
}

/** A ResNet's last stage, or a ViT's patch tokens after the final norm, [B, N, D]. */
function encoded(encoder: Scope, model: ModelConfig, view: ViewTensors, step: StepContext | null): tf.Tensor {
  const dimensions = modelDimensions(model);
  if (dimensions.kind === 'residual') return resnetFeatures(encoder, dimensions, view.patches, true);
  const { depth, patches, width } = dimensions;
  const drop = step ? dropPath(model.dropPath, depth, step.draw) : undefined;
  const tokens = encode(encoder, model, view.patches, encoder.get('pos_embed'), null, true, { drop });
  return norm(encoder.at('norm'), tf.slice(tokens, [0, 1, 0], [tokens.shape[0], patches, width]), encoderNorm(model), true);
}

function project(scope: Scope, model: ModelConfig, view: ViewTensors, step: StepContext | null): Projected {
  const features = encoded(scope.at('0'), model, view, step);
  const grid = head(scope.at('1.mlp2'), features);
  return { features, single: l2Normalize(head(scope.at('1.mlp'), tf.mean(features, 1))), grid: l2Normalize(grid), pooled: l2Normalize(tf.mean(grid, 1)) };
}

/** The cross entropy of finding the key at `positive` [R] rather than any of the queue, for queries [R, O]. */
function contrast(queries: tf.Tensor, positive: tf.Tensor, queue: tf.Tensor, temperature: number): tf.Tensor {
  return tf.mean(queueContrast(queries, tf.reshape(positive, [-1]), queue, temperature));
}

/** Puts keys [B, O] into the queue's columns from its pointer on, once the step has proved well. */
function enqueue(parameters: Parameters, name: string, keys: tf.Tensor): void {
  const queue = parameters.get(name), pointer = parameters.get(`${name}_ptr`);
  const [batch, length] = [keys.shape[0], queue.shape[1]!];
  if (length % batch !== 0) throw new InputError(`method.queueLength ${length} is not a multiple of the batch of ${batch} images: set batch.size to a divisor of it`);
  parameters.statistics?.later([keys], (seen) => {
    parameterUpdates().putColumns(queue, tf.cast(tf.add(tf.range(0, batch), pointer), 'int32'), seen);
    const next = tf.add(pointer, batch);
    parameterUpdates().lerp([pointer], [tf.mul(next, tf.cast(tf.less(next, length), 'float32'))], 1);
  });
}

function forward(parameters: Parameters, model: ModelConfig, options: DenseclOptions, { views }: MethodBatch, step: StepContext): MethodOutput {
  const [queue, queue2] = [parameters.get('queue'), parameters.get('queue2')];
  const query = project(new Scope(parameters, 'encoder_q.'), model, views[0]!, step);
  const keys = withoutGradient(() => project(new Scope(parameters, 'encoder_k.'), model, views[1]!, null));
  const matched = withoutGradient(() => {
    const similarity = tf.matMul(l2Normalize(query.features), l2Normalize(keys.features), false, true);
    const best = tf.argMax(similarity, 2);
    return { best, keys: gatherTokens(keys.grid, best) };
  });
  const single = contrast(query.single, tf.sum(tf.mul(query.single, keys.single), -1), queue, options.temperature);
  const dense = contrast(tf.reshape(query.grid, [-1, options.outputWidth]), tf.sum(tf.mul(query.grid, matched.keys), -1), queue2, options.temperature);
  enqueue(parameters, 'queue', keys.single);
  enqueue(parameters, 'queue2', keys.pooled);
  const [ofImages, ofPatches] = [tf.mul(single, 1 - options.denseWeight), tf.mul(dense, options.denseWeight)];
  const statistics = featureStatistics(withoutGradient(() => tf.mul(keys.grid, Math.sqrt(options.outputWidth))));
  return { loss: tf.add(ofImages, ofPatches), metrics: { loss_contra_single: ofImages, loss_contra_dense: ofPatches, ...statistics }, intermediates: { features: keys.features, matches: matched.best } };
}

export const densecl: Method<DenseclOptions> = {
  name: 'densecl',
  specs,
  momentumPairs: (model, options) => followers(specs(model, options)),
  encoders: { online: 'encoder_q.0.', target: 'encoder_k.0.' },
  forward,
};
