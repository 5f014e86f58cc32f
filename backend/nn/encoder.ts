/** The Vision Transformer encoder: patch embedding, class token, fixed positions, blocks; on all patches or on the visible ones. */
import * as tf from '@tensorflow/tfjs-core';
import { gatherRows, gatherTokens } from '../ops/gatherTokens.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { linear } from '../ops/linear.ts';
import { blocks, blocksSpecs, type BlockHooks, type BlockOptions, type Read } from './block.ts';
import type { NormKind } from './layers.ts';
import type { ModelConfig } from './model.ts';
import { transformerDimensions } from './model.ts';
import type { ParameterSpec, Scope } from './parameters.ts';
import { relativeBias, sharedBias } from './relativeBias.ts';
import { sinCosTable } from './positions.ts';

/** The norms of a ViT. */
export const encoderNorm = (model: ModelConfig): NormKind => ({ kind: 'layer', eps: model.layerNormEps });

export function encoderBlock(model: ModelConfig): BlockOptions {
  const { width, heads } = transformerDimensions(model);
  return { width, heads, norm: encoderNorm(model), layerScale: model.layerScale };
}

/** A fixed sin-cos position table as a parameter of shape [1, 1 + grid^2, width]. */
export function positionSpec(name: string, width: number, grid: number, first: 'row' | 'column'): ParameterSpec {
  return { name, shape: [1, 1 + grid * grid, width], initializer: { kind: 'values', values: () => sinCosTable(width, grid, first) }, trainable: false };
}

/** Learned positions, [1, 1 + grid^2, width]. */
export const learnedPositionSpec = (width: number, grid: number): ParameterSpec => ({ name: 'pos_embed', shape: [1, 1 + grid * grid, width], initializer: { kind: 'normal', std: 0.02 }, trainable: true });

export const tokenSpec = (name: string, width: number): ParameterSpec => ({ name, shape: [1, 1, width], initializer: { kind: 'normal', std: 0.02 }, trainable: true });

/** Patch embedding (a convolution with stride = kernel, as checkpoints store it), class token and blocks; positions are declared apart. */
export function encoderSpecs(model: ModelConfig, trainPatchEmbed: boolean): ParameterSpec[] {
  const { width, depth, patchSize } = transformerDimensions(model);
  return [
    tokenSpec('cls_token', width),
    { name: 'patch_embed.proj.weight', shape: [width, 3, patchSize, patchSize], initializer: { kind: 'xavier' }, trainable: trainPatchEmbed },
    { name: 'patch_embed.proj.bias', shape: [width], initializer: { kind: 'zeros' }, trainable: trainPatchEmbed },
    ...blocksSpecs('blocks', depth, encoderBlock(model)),
  ];
}

/**
 * patches [B, N, 3 P^2] (a row a patch), positions [1, 1 + N, D], visible [B, K] int32 or null for all.
 * Only visible patches are embedded: those that a mask drops cost nothing.
 */
export function encode(scope: Scope, model: ModelConfig, patches: tf.Tensor, positions: tf.Tensor | null, visible: tf.Tensor | null, training: boolean, { replaced, ...hooks }: BlockHooks & { replaced?: Replaced } = {}): tf.Tensor {
  const { depth } = transformerDimensions(model);
  return blocks(scope.at('blocks'), embed(scope, model, patches, positions, visible, replaced), depth, { ...encoderBlock(model), positionBias: relativeBias(scope.at(sharedBias), patches.shape[1]!) }, training, hooks);
}

/** Reads the class token alone: [B, T, D] -> [B, 1, D]. */
export const readClass: Read = (tokens) => tf.slice(tokens, [0, 0, 0], [tokens.shape[0], 1, tokens.shape[2]!]);

/** Patches by their rows in [B N] as rows of all tokens [B T], where a class token comes before each image's N patches. */
export const tokenRows = (patchRows: tf.Tensor, patches: number): tf.Tensor => withoutGradient(() => tf.tidy(() => tf.add(tf.add(patchRows, tf.floorDiv(patchRows, tf.scalar(patches, 'int32'))), tf.scalar(1, 'int32'))));

/** Reads tokens at rows [R] of [B T]: [B, T, D] -> [R, D]. */
export const readRows = (rows: tf.Tensor): Read => (tokens) => gatherRows(tf.reshape(tokens, [-1, tokens.shape[2]!]), rows);

/** Patches that are not shown: where `mask` [B, N] is 1, the token [..., D] stands in for the embedded patch. */
export interface Replaced {
  mask: tf.Tensor;
  token: tf.Tensor;
}

/** The tokens that enter the first block. */
export function embed(scope: Scope, model: ModelConfig, patches: tf.Tensor, positions: tf.Tensor | null, visible: tf.Tensor | null, replaced?: Replaced): tf.Tensor {
  const { width } = transformerDimensions(model);
  return tf.tidy(() => {
    const batch = patches.shape[0];
    const weight = scope.get('patch_embed.proj.weight');
    const shown = linear(visible ? gatherTokens(patches, visible) : patches, tf.reshape(weight, [width, weight.size / width]), scope.get('patch_embed.proj.bias'));
    const embedded = replaced ? replacePatches(shown, replaced) : shown;
    const placed = positions ? tf.add(embedded, positionsOf(positions, visible)) : embedded;
    const cls = positions ? tf.add(scope.get('cls_token'), tf.slice(positions, [0, 0, 0], [1, 1, width])) : scope.get('cls_token');
    return tf.concat([tf.broadcastTo(cls, [batch, 1, width]), placed], 1);
  });
}

function replacePatches(embedded: tf.Tensor, { mask, token }: Replaced): tf.Tensor {
  const hidden = tf.expandDims(mask, 2);
  return tf.add(tf.mul(embedded, tf.sub(1, hidden)), tf.mul(hidden, tf.reshape(token, [1, 1, token.size])));
}

/** The positions of the visible patches, [B, K, D], or of all, [1, N, D]; without the class token's. */
export function positionsOf(positions: tf.Tensor, visible: tf.Tensor | null): tf.Tensor {
  const [, count, width] = positions.shape as [number, number, number];
  if (!visible) return tf.slice(positions, [0, 1, 0], [1, count - 1, width]);
  return tf.reshape(tf.gather(tf.reshape(positions, [count, width]), tf.reshape(tf.add(visible, tf.scalar(1, 'int32')), [-1])), [...visible.shape, width]);
}
