/**
 * MoCo-v3 (Chen et al., ICCV 2021): each view of an image, predicted by the online branch, is to be found among the batch's target
 * features of the other view. Also with masked online views and UniGrad as the loss, as SiameseIM's authors compare with.
 */
import * as tf from '@tensorflow/tfjs-core';
import { encode, encoderNorm, encoderSpecs, positionSpec, readClass } from '../nn/encoder.ts';
import { batchNormLayer, batchNormSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { dropPath } from '../nn/dropPath.ts';
import { copied, followers, prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import { linear } from '../ops/linear.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, StepContext, ViewTensors } from './method.ts';
import type { Mocov3Options } from './mocov3.options.ts';
import { unitUniGrad } from './unigrad.ts';
import { concatViews } from './viewGroups.ts';

const batchNormEps = 1e-5;
const online = 'base_encoder.', target = 'momentum_encoder.';

/** Bias-free linear layers, each with a batch norm and ReLU after it; the last norm has no affine map and no ReLU. Numbered as a torch.nn.Sequential. */
function headSpecs(name: string, layers: number, inputs: number, hidden: number, outputs: number): ParameterSpec[] {
  return Array.from({ length: layers }, (_, i): ParameterSpec[] => {
    const [from, to] = [i === 0 ? inputs : hidden, i === layers - 1 ? outputs : hidden];
    return [{ name: `${name}.${3 * i}.weight`, shape: [to, from], initializer: { kind: 'uniform', limit: 1 / Math.sqrt(from) }, trainable: true }, ...batchNormSpecs(`${name}.${3 * i + 1}`, to, i < layers - 1)];
  }).flat();
}

function head(scope: Scope, x: tf.Tensor, layers: number): tf.Tensor {
  let y = x;
  for (let i = 0; i < layers; i++) {
    y = batchNormLayer(scope.at(`${3 * i + 1}`), linear(y, scope.get(`${3 * i}.weight`)), batchNormEps, true);
    if (i < layers - 1) y = tf.relu(y);
  }
  return y;
}

/** The official initial values: query, key and value each by Xavier's rule, a class token next to nothing. */
function initialized(spec: ParameterSpec, width: number): ParameterSpec {
  if (spec.name.endsWith('attn.qkv.weight')) return { ...spec, initializer: { kind: 'uniform', limit: Math.sqrt(6 / (2 * width)) } };
  return spec.name === 'cls_token' ? { ...spec, initializer: { kind: 'normal', std: 1e-6 } } : spec;
}

function branchSpecs(model: ModelConfig, options: Mocov3Options): ParameterSpec[] {
  const { width, grid } = transformerDimensions(model);
  return [
    ...encoderSpecs(model, options.trainPatchEmbed).map((spec) => initialized(spec, width)),
    positionSpec('pos_embed', width, grid, 'row'),
    ...normSpecs('norm', width, encoderNorm(model)),
    ...headSpecs('head', options.projectorLayers, width, options.hiddenWidth, options.outputWidth),
  ];
}

/** The official optimizer decays every parameter, biases and norms too. */
function specs(model: ModelConfig, options: Mocov3Options): ParameterSpec[] {
  const branch = branchSpecs(model, options);
  return [
    ...prefixed(online, branch),
    ...copied(online, target, branch),
    ...headSpecs('predictor', options.predictorLayers, options.outputWidth, options.hiddenWidth, options.outputWidth),
  ].map((spec) => ({ ...spec, decay: true }));
}

/** The class tokens of both views after the final norm, each [B, D]: the encoder runs once over both. */
function classTokens(scope: Scope, model: ModelConfig, options: Mocov3Options, views: ViewTensors[], step: StepContext | null): tf.Tensor[] {
  const { depth, width } = transformerDimensions(model);
  const both = concatViews(views);
  const isMasked = step !== null && options.mask !== 'none';
  const drop = step ? dropPath(model.dropPath, depth, step.draw) : undefined;
  const tokens = encode(scope, model, both.patches, scope.get('pos_embed'), isMasked ? both.visible : null, true, { drop, read: readClass });
  const cls = norm(scope.at('norm'), tf.reshape(tokens, [tokens.shape[0], width]), encoderNorm(model), true);
  return tf.split(cls, views.length);
}

/** 2 T times the cross entropy of finding each query's own key among all keys of the batch; keys are of unit length. */
function contrast(query: tf.Tensor, keys: tf.Tensor, temperature: number): { loss: tf.Tensor; accuracy: tf.Tensor } {
  const similarity = tf.matMul(l2Normalize(query), keys, false, true);
  const own = tf.eye(query.shape[0]);
  const loss = tf.mul(tf.mean(softCrossEntropy(similarity, own, temperature)), 2 * temperature);
  return { loss, accuracy: withoutGradient(() => tf.mean(tf.cast(tf.greaterEqual(tf.sum(tf.mul(similarity, own), -1), tf.max(similarity, -1)), 'float32'))) };
}

/** UniGrad of each query and its own key; also each direction's two terms, averaged. */
function uniGradLoss([q1, q2]: tf.Tensor[], [k1, k2]: tf.Tensor[], lambda: number): Pick<MethodOutput, 'loss' | 'metrics'> {
  const [first, second] = [unitUniGrad(l2Normalize(q1!) as tf.Tensor2D, k2 as tf.Tensor2D, lambda), unitUniGrad(l2Normalize(q2!) as tf.Tensor2D, k1 as tf.Tensor2D, lambda)];
  const mean = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => withoutGradient(() => tf.mul(0.5, tf.add(a, b)));
  return { loss: tf.add(first.loss, second.loss), metrics: { q1_k2: first.loss, q2_k1: second.loss, positive_term: mean(first.positive, second.positive), negative_term: mean(first.negative, second.negative) } };
}

function contrastiveLoss([q1, q2]: tf.Tensor[], [k1, k2]: tf.Tensor[], temperature: number): Pick<MethodOutput, 'loss' | 'metrics'> {
  const first = contrast(q1!, k2!, temperature), second = contrast(q2!, k1!, temperature);
  const accuracy = withoutGradient(() => tf.mul(0.5, tf.add(first.accuracy, second.accuracy)));
  return { loss: tf.add(first.loss, second.loss), metrics: { q1_k2: first.loss, q2_k1: second.loss, contrast_accuracy: accuracy } };
}

function forward(parameters: Parameters, model: ModelConfig, options: Mocov3Options, { views }: MethodBatch, step: StepContext): MethodOutput {
  const both = views.slice(0, 2);
  const keys = withoutGradient(() => {
    const scope = new Scope(parameters, target);
    return classTokens(scope, model, options, both, null).map((tokens) => head(scope.at('head'), tokens, options.projectorLayers));
  });
  const units = withoutGradient(() => keys.map((key) => l2Normalize(key)));
  const scope = new Scope(parameters, online);
  const projected = classTokens(scope, model, options, both, step).map((tokens) => head(scope.at('head'), tokens, options.projectorLayers));
  const queries = projected.map((vectors) => head(new Scope(parameters, 'predictor.'), vectors, options.predictorLayers));
  const { loss, metrics } = options.loss === 'unigrad' ? uniGradLoss(queries, units, options.lambda) : contrastiveLoss(queries, units, options.temperature);
  // Unit vectors have a deviation of 1 / sqrt(D) a dimension where they fill the sphere: times sqrt(D), as for the other methods.
  const statistics = featureStatistics(withoutGradient(() => tf.mul(units[0]!, Math.sqrt(options.outputWidth))));
  return { loss, metrics: { ...metrics, ...statistics }, intermediates: { q1: queries[0]!, q2: queries[1]!, k1: keys[0]!, k2: keys[1]! } };
}

export const mocov3: Method<Mocov3Options> = {
  name: 'mocov3',
  specs,
  momentumPairs: (model, options) => followers(specs(model, options)),
  encoders: { online, target },
  forward,
};
