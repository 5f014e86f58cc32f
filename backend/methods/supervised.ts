/** Supervised training of the backbone, as MAE's authors train their baseline and fine-tune: soft labels, mixed images, layer-wise learning rates. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { dropPath } from '../nn/dropPath.ts';
import type { BlockHooks } from '../nn/block.ts';
import { encode, encoderNorm, encoderSpecs, learnedPositionSpec, readClass } from '../nn/encoder.ts';
import { linearLayer, linearSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig, type TransformerDimensions } from '../nn/model.ts';
import { relativeTableSpec, sharedBias } from '../nn/relativeBias.ts';
import { copied, followers, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import { beitSpecs } from './beitNames.ts';
import { classTokens, timmInitial } from './distillation.ts';
import { featureStatistics } from './featureStatistics.ts';
import type { Branch, Method, MethodBatch, MethodOutput, StepContext } from './method.ts';
import { drawErasing, drawMixing, erasePatches, mixPatches, softTargets } from './mixing.ts';
import type { SupervisedOptions } from './supervised.options.ts';

/** How far a parameter is from the head, in blocks: the embeddings furthest, a bias that all blocks share not at all (as BEiT's code has it). */
function distance(name: string, depth: number): number {
  if (/^(cls_token|pos_embed|patch_embed\.)/.test(name)) return depth + 1;
  const block = /^blocks\.(\d+)\./.exec(name);
  return block ? depth - Number(block[1]) : 0;
}

/** Where the official codes keep the moving average of all weights. */
const average = 'model_ema.';

function specs(model: ModelConfig, options: SupervisedOptions): ParameterSpec[] {
  const own = trainedSpecs(model, options);
  return options.ema === null ? own : [...own, ...copied('', average, own)];
}

/** How the encoder's patches know their places. */
function positionSpecs({ width, grid, depth, heads }: TransformerDimensions, { positions }: SupervisedOptions): ParameterSpec[] {
  switch (positions) {
    case 'learned': return [learnedPositionSpec(width, grid)];
    case 'relative': return Array.from({ length: depth }, (_, i) => relativeTableSpec(`blocks.${i}.attn`, heads, grid));
    case 'relative-shared': return [relativeTableSpec(sharedBias, heads, grid)];
  }
}

function trainedSpecs(model: ModelConfig, options: SupervisedOptions): ParameterSpec[] {
  const dimensions = transformerDimensions(model), { width, depth } = dimensions;
  const encoder = timmInitial([...encoderSpecs(model, true), ...positionSpecs(dimensions, options), ...normSpecs(options.pooling === 'mean' ? 'fc_norm' : 'norm', width, encoderNorm(model))]);
  const head = linearSpecs('head', width, options.classes).map((spec): ParameterSpec => (spec.name === 'head.weight' ? { ...spec, initializer: { kind: 'normal', std: 2e-5 } } : spec));
  return [...(options.positions === 'learned' ? encoder : beitSpecs(encoder, width)), ...head].map((spec) => ({
    ...spec,
    ...(/^(cls_token|pos_embed)$/.test(spec.name) && { decay: false }),
    ...(/(^pos_embed|\.relative_position_bias_table)$/.test(spec.name) && { trainable: options.trainPositions }),
    ...(options.layerDecay < 1 && { learningRateScale: options.layerDecay ** distance(spec.name, depth) }),
  }));
}

/** Embeddings of places; null where the blocks have biases. */
const positions = (p: Scope): tf.Tensor | null => (p.has('pos_embed') ? p.get('pos_embed') : null);

const readBy = ({ pooling }: SupervisedOptions): BlockHooks => (pooling === 'class' ? { read: readClass } : {});

/** The classifier's input [B, D]. */
function pooled(p: Scope, model: ModelConfig, { pooling }: SupervisedOptions, tokens: tf.Tensor): tf.Tensor {
  if (pooling === 'class') return classTokens(p, model, tokens);
  const [batch, count, width] = tokens.shape as [number, number, number];
  return norm(p.at('fc_norm'), tf.mean(tf.slice(tokens, [0, 1, 0], [batch, count - 1, width]), 1), encoderNorm(model), true);
}

function forward(parameters: Parameters, model: ModelConfig, options: SupervisedOptions, { views, labels, mixing: recorded }: MethodBatch, step: StepContext): MethodOutput {
  const { depth, imageSize, patchSize } = transformerDimensions(model);
  const p = new Scope(parameters);
  const patches = views[0]!.patches, batch = patches.shape[0];
  const unknown = labels?.findIndex((label) => label < 0 || label >= options.classes) ?? -1;
  if (!labels || unknown >= 0) throw new InputError(labels ? `an image has the class ${labels[unknown]}, and method.classes is ${options.classes}` : 'the images have no classes, which supervised training needs: put them in a folder a class');
  const mixing = recorded ?? drawMixing(step.draw, options, batch, imageSize);
  const erasing = options.erasing > 0 ? drawErasing(step.draw, options.erasing, batch, imageSize) : [];
  const images = withoutGradient(() => {
    const erased = erasePatches(patches, erasing, patchSize, step.draw);
    return mixing ? mixPatches(erased, mixing, patchSize) : erased;
  });
  const tokens = encode(p, model, images, positions(p), null, true, { drop: dropPath(model.dropPath, depth, step.draw), ...readBy(options) });
  const features = pooled(p, model, options, tokens);
  const logits = linearLayer(p.at('head'), features);
  const targets = tf.tensor(softTargets(labels, options.classes, options.labelSmoothing, mixing), [batch, options.classes]);
  const metrics = withoutGradient(() => {
    const own = tf.tensor1d(labels, 'int32');
    return {
      plain_cross_entropy: tf.mean(softCrossEntropy(logits, tf.tensor(softTargets(labels, options.classes, 0, null), [batch, options.classes]), 1)),
      accuracy: tf.mean(tf.cast(tf.equal(tf.argMax(logits, -1), own), 'float32')),
      ...featureStatistics(features),
    };
  });
  return { loss: tf.mean(softCrossEntropy(logits, targets, 1)), metrics, intermediates: { mixed_targets: targets, features, logits } };
}

function classify(parameters: Parameters, model: ModelConfig, options: SupervisedOptions, patches: tf.Tensor, branch: Branch): tf.Tensor {
  const p = new Scope(parameters, branch === 'target' && options.ema !== null ? average : '');
  return linearLayer(p.at('head'), pooled(p, model, options, encode(p, model, patches, positions(p), null, false, readBy(options))));
}

export const supervised: Method<SupervisedOptions> = {
  name: 'supervised',
  specs,
  momentumPairs: (model, options) => followers(specs(model, options)),
  // As timm has it: the average follows each step.
  momentumOrder: 'after',
  encoders: { online: '', target: average },
  forward,
  classify,
};
