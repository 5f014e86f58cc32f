/** What DINO and iBOT share: a student and a teacher with the same backbone and head, and how outputs of several crops are compared. */
import * as tf from '@tensorflow/tfjs-core';
import { blocks, type Read } from '../nn/block.ts';
import { dropPath } from '../nn/dropPath.ts';
import { embed, encoderBlock, encoderNorm, encoderSpecs, learnedPositionSpec, readClass } from '../nn/encoder.ts';
import { linearLayer, linearSpecs, norm, normSpecs } from '../nn/layers.ts';
import { transformerDimensions, type ModelConfig } from '../nn/model.ts';
import { Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { resizedPositions } from '../nn/resizedPositions.ts';
import { gelu } from '../ops/gelu.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import { linear } from '../ops/linear.ts';
import { softCrossEntropy } from '../ops/softCrossEntropy.ts';
import type { StepContext, ViewTensors } from './method.ts';
import { concatViews, groupViews } from './viewGroups.ts';

/** timm's initial values, as DINO, iBOT and MSN have them: linear layers from N(0, 0.02), the patch embedding as PyTorch's convolution. */
export function timmInitial(specs: ParameterSpec[]): ParameterSpec[] {
  const fanIn = specs.find(({ name }) => name === 'patch_embed.proj.weight')?.shape.slice(1).reduce((a, b) => a * b, 1) ?? 1;
  return specs.map((spec) => {
    if (spec.name.startsWith('patch_embed.')) return { ...spec, initializer: { kind: 'uniform', limit: 1 / Math.sqrt(fanIn) } };
    return spec.initializer.kind === 'xavier' ? { ...spec, initializer: { kind: 'normal', std: 0.02 } } : spec;
  });
}

/** A ViT with learned positions and a final norm, by timm's names. */
export function timmSpecs(model: ModelConfig): ParameterSpec[] {
  const { width, grid } = transformerDimensions(model);
  return timmInitial([...encoderSpecs(model, true), learnedPositionSpec(width, grid), ...normSpecs('norm', width, encoderNorm(model))]);
}

export interface HeadOptions {
  hiddenWidth: number;
  bottleneckWidth: number;
  outputs: number;
  normLastLayer: boolean;
}

/** A last layer whose rows are directions (weight_v) times lengths (weight_g), by torch.nn.utils.weight_norm's names. */
export function lastLayerSpecs(name: string, { bottleneckWidth, outputs, normLastLayer }: HeadOptions): ParameterSpec[] {
  return [
    { name: `${name}.weight_g`, shape: [outputs, 1], initializer: { kind: 'constant', value: 1 }, trainable: !normLastLayer },
    { name: `${name}.weight_v`, shape: [outputs, bottleneckWidth], initializer: { kind: 'uniform', limit: 1 / Math.sqrt(bottleneckWidth) }, trainable: true },
  ];
}

export const mlpSpecs = (width: number, { hiddenWidth, bottleneckWidth }: HeadOptions): ParameterSpec[] =>
  timmInitial([...linearSpecs('mlp.0', width, hiddenWidth), ...linearSpecs('mlp.2', hiddenWidth, hiddenWidth), ...linearSpecs('mlp.4', hiddenWidth, bottleneckWidth)]);

/** tokens [R, D] -> unit vectors [R, bottleneck]. */
export function bottleneck(head: Scope, tokens: tf.Tensor): tf.Tensor {
  const hidden = gelu(linearLayer(head.at('mlp.2'), gelu(linearLayer(head.at('mlp.0'), tokens))));
  return l2Normalize(linearLayer(head.at('mlp.4'), hidden));
}

/** Unit vectors [R, bottleneck] -> outputs [R, K]. */
export function lastLayer(layer: Scope, vectors: tf.Tensor, { normLastLayer }: Pick<HeadOptions, 'normLastLayer'>): tf.Tensor {
  const cosines = linear(vectors, l2Normalize(layer.get('weight_v')));
  return normLastLayer ? cosines : tf.mul(cosines, tf.reshape(layer.get('weight_g'), [1, cosines.shape[1]!]));
}

/**
 * Tokens of the views after the last block, group by group of equal size, [views B, 1 + n, D], or what is read of a group's; without the final
 * norm. `step` is null for the teacher, which drops and masks nothing.
 */
export function groupTokens(scope: Scope, model: ModelConfig, views: readonly ViewTensors[], step: StepContext | null, readOf?: (views: ViewTensors, group: number) => Read): { tokens: tf.Tensor; views: ViewTensors }[] {
  const { depth, grid } = transformerDimensions(model);
  return groupViews(views).map((members, group) => {
    const joined = concatViews(members);
    const side = Math.round(Math.sqrt(joined.patches.shape[1]!));
    const positions = resizedPositions(scope.get('pos_embed'), grid, side, (side + 0.1) / grid);
    const replaced = step && scope.has('masked_embed') && group === 0 ? { mask: joined.mask ?? tf.zeros(joined.patches.shape.slice(0, 2)), token: scope.get('masked_embed') } : undefined;
    const drop = step ? dropPath(model.dropPath, depth, (name, count) => step.draw(`group${group}.${name}`, count)) : undefined;
    const entering = embed(scope, model, joined.patches, positions, null, replaced);
    return { tokens: blocks(scope.at('blocks'), entering, depth, encoderBlock(model), true, { drop, read: readOf?.(joined, group) }), views: joined };
  });
}

/** The first token of each sequence [B, T, D], after the final norm: [B, D]. */
export function classTokens(scope: Scope, model: ModelConfig, tokens: tf.Tensor): tf.Tensor {
  const [batch, , width] = tokens.shape as [number, number, number];
  return norm(scope.at('norm'), tf.reshape(readClass(tokens), [batch, width]), encoderNorm(model), true);
}

/** Class tokens of all views after the final norm, [views B, D]. */
export function classFeatures(scope: Scope, model: ModelConfig, views: readonly ViewTensors[], step: StepContext | null): tf.Tensor {
  const groups = groupTokens(scope, model, views, step, () => readClass).map(({ tokens }) => classTokens(scope, model, tokens));
  return groups.length === 1 ? groups[0]! : tf.concat(groups, 0);
}

/** The teacher's distribution over outputs: centred and sharpened. */
export const teacherDistribution = (outputs: tf.Tensor, center: tf.Tensor, temperature: number): tf.Tensor => tf.softmax(tf.mul(tf.sub(outputs, center), 1 / temperature));

/** For looking inside: the logits of the teacher's distribution for a view, [B, K], at the temperature that the schedule ends with. */
export function classAssignment(parameters: Parameters, model: ModelConfig, options: HeadOptions & { teacherTemperature: readonly [number, number] }, view: ViewTensors): tf.Tensor {
  const teacher = new Scope(parameters, 'teacher.');
  const outputs = lastLayer(teacher.at('head.last_layer'), bottleneck(teacher.at('head'), classFeatures(teacher.at('backbone'), model, [view], null)), options);
  return tf.mul(tf.sub(outputs, parameters.get('center')), 1 / options.teacherTemperature[1]);
}

/**
 * The mean cross entropy over all pairs of a global view of the teacher and another view of the student. outputs [views B, K] of the student,
 * global views first; distributions [2 B, K] of the teacher. With `detailed` also each pair's own.
 */
export function crossViewLoss(outputs: tf.Tensor, distributions: tf.Tensor, batch: number, temperature: number, detailed: boolean): { loss: tf.Tensor; pairs: Record<string, tf.Tensor> } {
  const classes = outputs.shape[1]!;
  const views = outputs.shape[0] / batch;
  const student = tf.reshape(outputs, [views, batch, classes]);
  const [own0, own1, local] = tf.split(student, views > 2 ? [1, 1, views - 2] : [1, 1]);
  const [first, second] = withoutGradient(() => tf.split(tf.reshape(distributions, [2, batch, classes]), 2)) as [tf.Tensor, tf.Tensor];
  const sums = [softCrossEntropy(own0!, second, temperature), softCrossEntropy(own1!, first, temperature)];
  // Cross entropy is linear in its target: both teacher views of a local crop are compared at once.
  if (local) sums.push(softCrossEntropy(local, withoutGradient(() => tf.add(first, second)), temperature));
  const count = 2 * views - 2;
  const loss = tf.div(tf.addN(sums.map((rows) => tf.sum(rows))), batch * count);
  if (!detailed) return { loss, pairs: {} };
  const pairs = withoutGradient(() => {
    const seen = tf.split(student, views);
    return Object.fromEntries([first, second].flatMap((target, t) => seen.flatMap((view, s) => (s === t ? [] : [[`teacher${t}_student${s}`, tf.mean(softCrossEntropy(view, target, temperature))] as const]))));
  });
  return { loss, pairs };
}

const entropy = (p: tf.Tensor): tf.Tensor => tf.neg(tf.sum(tf.mul(p, tf.log(tf.maximum(p, 1e-30))), -1));

/**
 * Of the teacher's distributions [R, K]: their mean entropy, and `target_information`, by how much it is below the entropy of their mean. It is
 * zero when all images get the same distribution, sharp or flat, and at most ln R.
 */
export function targetStatistics(distributions: tf.Tensor): { target_entropy: tf.Tensor; target_information: tf.Tensor } {
  return withoutGradient(() =>
    tf.tidy(() => {
      const own = tf.mean(entropy(distributions));
      return { target_entropy: own, target_information: tf.sub(entropy(tf.mean(distributions, 0)), own) };
    }),
  );
}
