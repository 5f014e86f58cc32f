/** Masked Siamese Networks (Assran et al., ECCV 2022): views with dropped patches and small crops are assigned to prototypes as the whole view is. */
import * as tf from '@tensorflow/tfjs-core';
import { blocks } from '../nn/block.ts';
import { dropPath } from '../nn/dropPath.ts';
import { embed, encoderBlock, readClass } from '../nn/encoder.ts';
import { batchNormLayer, batchNormSpecs, linearLayer, linearSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { copied, followers, prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { resizedPositions } from '../nn/resizedPositions.ts';
import { gatherTokens } from '../ops/gatherTokens.ts';
import { gelu } from '../ops/gelu.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import { classTokens, targetStatistics, timmSpecs } from './distillation.ts';
import { keptPatches } from './droppedPatches.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Method, MethodBatch, MethodOutput, StepContext, ViewTensors } from './method.ts';
import type { MsnOptions } from './msn.options.ts';
import { concatViews, groupViews } from './viewGroups.ts';

const batchNormEps = 1e-5;

/** Linear layers of a head as PyTorch initialises them. */
function headLinear(name: string, inputs: number, outputs: number): ParameterSpec[] {
  return linearSpecs(name, inputs, outputs).map((spec) => ({ ...spec, initializer: { kind: 'uniform', limit: 1 / Math.sqrt(inputs) } }));
}

function branchSpecs(model: ModelConfig, { hiddenWidth, outputWidth }: MsnOptions): ParameterSpec[] {
  return [
    ...timmSpecs(model),
    ...headLinear('fc.fc1', transformerDimensions(model).width, hiddenWidth),
    ...batchNormSpecs('fc.bn1', hiddenWidth, true),
    ...headLinear('fc.fc2', hiddenWidth, hiddenWidth),
    ...batchNormSpecs('fc.bn2', hiddenWidth, true),
    ...headLinear('fc.fc3', hiddenWidth, outputWidth),
  ];
}

function specs(model: ModelConfig, options: MsnOptions): ParameterSpec[] {
  const branch = branchSpecs(model, options);
  return [
    ...prefixed('encoder.', branch),
    ...copied('encoder.', 'target_encoder.', branch),
    { name: 'prototypes', shape: [options.prototypes, options.outputWidth], initializer: { kind: 'uniform', limit: 1 / Math.sqrt(options.outputWidth) }, trainable: true, decay: false, clip: false },
  ];
}

function head(fc: Scope, tokens: tf.Tensor, training = true): tf.Tensor {
  const first = gelu(batchNormLayer(fc.at('bn1'), linearLayer(fc.at('fc1'), tokens), batchNormEps, training));
  const second = gelu(batchNormLayer(fc.at('bn2'), linearLayer(fc.at('fc2'), first), batchNormEps, training));
  return linearLayer(fc.at('fc3'), second);
}

/** Patches and positions at the kept places alone: dropped patches cost nothing. */
function dropPatches(patches: tf.Tensor, positions: tf.Tensor, kept: Int32Array): { patches: tf.Tensor; positions: tf.Tensor } {
  const [batch, count, size] = patches.shape as [number, number, number];
  if (kept.length === count) return { patches, positions };
  const index = tf.tensor(kept, [1, kept.length], 'int32'), width = positions.shape[2]!;
  // One row of all places, so that no list of positions an image is needed.
  const rows = tf.gather(tf.transpose(patches, [1, 0, 2]), tf.reshape(index, [kept.length]));
  const placed = gatherTokens(tf.slice(positions, [0, 1, 0], [1, count, width]), index);
  return { patches: tf.reshape(tf.transpose(rows, [1, 0, 2]), [batch, kept.length, size]), positions: tf.concat([tf.slice(positions, [0, 0, 0], [1, 1, width]), placed], 1) };
}

/** Class tokens after the final norm and the head's vectors of all views: batch norms see each group of equal size by itself, or in place of it their running statistics. `step` is null for the target. */
function project(scope: Scope, model: ModelConfig, options: MsnOptions, views: readonly ViewTensors[], step: StepContext | null, training = true): { features: tf.Tensor; vectors: tf.Tensor } {
  const { depth, grid } = transformerDimensions(model);
  const groups = groupViews(views).map((members, group) => {
    const whole = concatViews(members).patches;
    const count = whole.shape[1]!, side = Math.round(Math.sqrt(count));
    const resized = resizedPositions(scope.get('pos_embed'), grid, side, side / grid);
    const { patches, positions } = step && group === 0 ? dropPatches(whole, resized, keptPatches(count, options.patchDrop, step.draw)) : { patches: whole, positions: resized };
    const drop = step ? dropPath(model.dropPath, depth, (name, n) => step.draw(`group${group}.${name}`, n)) : undefined;
    const tokens = blocks(scope.at('blocks'), embed(scope, model, patches, positions, null), depth, encoderBlock(model), true, { drop, read: readClass });
    const features = classTokens(scope, model, tokens);
    return { features, vectors: head(scope.at('fc'), features, training) };
  });
  const joined = (of: 'features' | 'vectors'): tf.Tensor => (groups.length === 1 ? groups[0]![of] : tf.concat(groups.map((group) => group[of]), 0));
  return { features: joined('features'), vectors: joined('vectors') };
}

/** Rows and columns of [B, K] made even in turn, rows last: each row sums to 1, each column to about B / K. */
function sinkhorn(distributions: tf.Tensor, rounds: number): tf.Tensor {
  const [batch, prototypes] = distributions.shape as [number, number];
  let q = tf.div(distributions, tf.sum(distributions));
  for (let i = 0; i < rounds; i++) {
    q = tf.div(q, tf.mul(tf.sum(q, 0, true), prototypes));
    q = tf.div(q, tf.mul(tf.sum(q, 1, true), batch));
  }
  return tf.mul(q, batch);
}

const cosines = (vectors: tf.Tensor, prototypes: tf.Tensor): tf.Tensor => tf.matMul(l2Normalize(vectors), l2Normalize(prototypes), false, true);
const entropy = (p: tf.Tensor): tf.Tensor => tf.neg(tf.sum(tf.mul(p, tf.log(tf.maximum(p, 1e-30))), -1));

function forward(parameters: Parameters, model: ModelConfig, options: MsnOptions, { views }: MethodBatch, step: StepContext): MethodOutput {
  const prototypes = parameters.get('prototypes');
  const { temperature } = options;
  const [whole, ...anchors] = views;
  const batch = whole!.patches.shape[0];
  const target = withoutGradient(() => {
    const { features, vectors } = project(new Scope(parameters, 'target_encoder.'), model, options, [whole!], null);
    const sharpened = tf.softmax(tf.mul(cosines(vectors, prototypes), 1 / temperature / options.sharpening));
    return { features, vectors, sharpened, targets: options.sinkhornRounds > 0 ? sinkhorn(sharpened, options.sinkhornRounds) : sharpened };
  });
  const { targets } = target;
  const { vectors } = project(new Scope(parameters, 'encoder.'), model, options, anchors, step);
  const similarity = cosines(vectors, prototypes);
  const crossEntropy = tf.mean(softCrossEntropy(tf.reshape(similarity, [anchors.length, batch, options.prototypes]), tf.expandDims(targets, 0), temperature));
  const assignments = tf.softmax(tf.mul(similarity, 1 / temperature));
  const mean = tf.mean(assignments, 0);
  const spread = tf.sub(Math.log(options.prototypes), entropy(mean));
  const own = options.entropyWeight === 0 ? withoutGradient(() => tf.mean(entropy(assignments))) : tf.mean(entropy(assignments));
  const main = tf.add(crossEntropy, tf.mul(spread, options.spreadWeight));
  const metrics = withoutGradient(() => ({
    distinct_targets: tf.sum(tf.cast(tf.greater(tf.sum(tf.cast(tf.oneHot(tf.argMax(targets, 1), options.prototypes), 'float32'), 0), 0), 'float32')),
    max_t: tf.mean(tf.max(targets, 1)),
    min_t: tf.mean(tf.min(targets, 1)),
  }));
  return {
    loss: options.entropyWeight === 0 ? main : tf.add(main, tf.mul(own, options.entropyWeight)),
    metrics: { cross_entropy: crossEntropy, me_max: spread, entropy: own, ...metrics, ...targetStatistics(targets), ...featureStatistics(target.features) },
    intermediates: { anchor_views: vectors, anchor_probs: assignments, mean_anchor_probs: mean, target_views: target.vectors, target_sharpened: target.sharpened, targets },
  };
}

export const msn: Method<MsnOptions> = {
  name: 'msn',
  specs,
  momentumPairs: (model, options) => followers(specs(model, options)),
  momentumOrder: 'after',
  encoders: { online: 'encoder.', target: 'target_encoder.' },
  forward,
  prototypeCount: ({ prototypes }) => prototypes,
  prototypes(parameters, model, options, { views }) {
    const { vectors } = project(new Scope(parameters, 'target_encoder.'), model, options, [views[0]!], null, false);
    return tf.mul(cosines(vectors, parameters.get('prototypes')), 1 / options.temperature / options.sharpening);
  },
};
