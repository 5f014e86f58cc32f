/** Features of images by a trained model: what every evaluation starts from. The engine is current already. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import type { Branch } from '../methods/method.ts';
import { methodOf, type MethodConfig } from '../methods/registry.ts';
import { encode, encoderNorm } from '../nn/encoder.ts';
import { norm } from '../nn/layers.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import { resnetFeatures } from '../nn/resnet.ts';
import { Scope, type Parameters } from '../nn/parameters.ts';
import { resizedPositions } from '../nn/resizedPositions.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import { pause } from './pause.ts';

/** A model to look into: its parameters, and what they are parameters of. */
export interface FeatureModel {
  model: ModelConfig;
  method: MethodConfig;
  parameters: Parameters;
}

export interface Features {
  /** [images, patches, width]: the encoder's patch tokens. */
  patches: Float32Array;
  /** [images, width]: the mean of each image's patch tokens. */
  pooled: Float32Array;
}

const chunk = 64;

/** Side of one square RGB image. */
export const sideOf = (pixels: Uint8Array): number => Math.round(Math.sqrt(pixels.length / 3));

/** Where the parameters of the branches' encoders are. */
export const encoderPrefixes = (method: MethodConfig): Record<Branch, string> => {
  const { encoders = { online: '', target: 'mm_' } } = methodOf(method);
  if (encoders === null) throw new InputError(`${method.name} trains no encoder of images, whose features could be measured: match its patches with "siamscope correspond"`);
  return encoders;
};

/** Whether there is a target branch besides the online one. */
export function hasTarget({ method, parameters }: Pick<FeatureModel, 'method' | 'parameters'>): boolean {
  if (methodOf(method).encoders === null) return false;
  const { online, target } = encoderPrefixes(method);
  return target !== online && parameters.specs.some(({ name }) => name.startsWith(target));
}

/** The parameters of a branch's encoder. */
export function encoderScope({ method, parameters }: FeatureModel, branch: Branch): Scope {
  const { online, target } = encoderPrefixes(method);
  return new Scope(parameters, branch === 'target' && hasTarget({ method, parameters }) ? target : online);
}

/** DINO and iBOT hand a factor to the interpolation that is a tenth of a patch too large, against rounding; the others interpolate to the size itself. */
export const positionScale = (method: string, from: number, to: number): number => (method === 'dino' || method === 'ibot' ? (to + 0.1) / from : to / from);

/** Positions of side x side patches, resized by the method's rule where the model was made for another size; null where they are relative, which resize themselves. */
function positionsFor({ model, method, parameters }: FeatureModel, scope: Scope, side: number): tf.Tensor | null {
  const { grid } = modelDimensions(model);
  const positions = scope.has('pos_embed') ? scope.get('pos_embed') : parameters.has('pos_embed') ? parameters.get('pos_embed') : null;
  return positions && resizedPositions(positions, grid, side, positionScale(method.name, grid, side));
}

/**
 * The encoder's tokens of normalised patches [B, N, 3 P^2] of squares of any size, class token first: [B, 1 + N, D], with the final norm where the method has one; `each` sees
 * what enters the first block (as -1) and every block's output. A ResNet's are its last stage, the mean where the class token is, as one block; so are a method's own tokens, without a block.
 */
export function encoderTokens(m: FeatureModel, patches: tf.Tensor, branch: Branch, each?: (tokens: tf.Tensor, block: number) => void): tf.Tensor {
  const { model } = m;
  const own = methodOf(m.method).tokens?.(m.parameters, model, m.method, patches);
  if (own) return tf.concat([tf.mean(own, 1, true), own], 1);
  const scope = encoderScope(m, branch);
  const dimensions = modelDimensions(model);
  if (dimensions.kind === 'residual') {
    const grid = resnetFeatures(scope, dimensions, patches, false);
    const tokens = tf.concat([tf.mean(grid, 1, true), grid], 1);
    each?.(tokens, 0);
    return tokens;
  }
  const tokens = encode(scope, model, patches, positionsFor(m, scope, Math.round(Math.sqrt(patches.shape[1]!))), null, false, { each });
  return scope.has('norm.weight') ? norm(scope.at('norm'), tokens, encoderNorm(model), false) : tokens;
}

/** Encodes RGB images, [n, size, size, 3] bytes, whole and without a mask; in chunks, so that any number fits. Rejects with the signal's reason where it is aborted. */
export async function imageFeatures(m: FeatureModel, pixels: Uint8Array, branch: Branch = 'online', signal?: AbortSignal): Promise<Features> {
  encoderPrefixes(m.method); // throws where there is no encoder of these dimensions
  const { width, imageSize, patchSize, patches: count } = modelDimensions(m.model);
  const bytes = imageSize * imageSize * 3;
  const images = pixels.length / bytes;
  const features: Features = { patches: new Float32Array(images * count * width), pooled: new Float32Array(images * width) };
  for (let from = 0; from < images; from += chunk) {
    const part = pixels.subarray(from * bytes, Math.min(images, from + chunk) * bytes);
    const { spatial, pooled } = tf.tidy(() =>
      withoutGradient(() => {
        const tokens = encoderTokens(m, imagePatches(part, imageSize, patchSize), branch);
        const spatial = tf.slice(tokens, [0, 1, 0], [tokens.shape[0], count, width]);
        return { spatial, pooled: tf.mean(spatial, 1) };
      }),
    );
    features.patches.set(await spatial.data(), from * count * width);
    features.pooled.set(await pooled.data(), from * width);
    tf.dispose([spatial, pooled]);
    await pause(signal);
  }
  return features;
}

/** One vector of each image: each kind is what some protocol classifies. */
export const vectorKinds = {
  class: 'class token after the final norm; of a ResNet, the mean of the last stage',
  'last-block': 'class token of the last block before any norm',
  mean: 'mean of the patch tokens',
  'mean-norm': 'mean of the patch tokens, through a layer norm that is not trained',
  'last-four': 'class tokens of the last four blocks, each after the final norm',
  'class-and-mean': 'class token and mean of the patch tokens, after the final norm',
} as const;
export type VectorKind = keyof typeof vectorKinds;

/** Numbers in a vector. */
export function vectorWidth(model: ModelConfig, kind: VectorKind): number {
  const { width, depth } = modelDimensions(model);
  return width * (kind === 'last-four' ? Math.min(4, depth) : kind === 'class-and-mean' ? 2 : 1);
}

/** Encodes RGB images as `imageFeatures` does; [images, vectorWidth]. */
export async function imageVectors(m: FeatureModel, pixels: Uint8Array, kind: VectorKind, branch: Branch = 'online', signal?: AbortSignal): Promise<Float32Array> {
  encoderPrefixes(m.method); // throws where there is no encoder of these dimensions
  const { imageSize, patchSize } = modelDimensions(m.model), width = vectorWidth(m.model, kind);
  const bytes = imageSize * imageSize * 3, images = pixels.length / bytes;
  const vectors = new Float32Array(images * width);
  for (let from = 0; from < images; from += chunk) {
    const part = pixels.subarray(from * bytes, Math.min(images, from + chunk) * bytes);
    const rows = tf.tidy(() => withoutGradient(() => vectorsOf(m, imagePatches(part, imageSize, patchSize), kind, branch)));
    vectors.set(await rows.data(), from * width);
    rows.dispose();
    await pause(signal);
  }
  return vectors;
}

function vectorsOf(m: FeatureModel, patches: tf.Tensor, kind: VectorKind, branch: Branch): tf.Tensor {
  const { width, depth } = modelDimensions(m.model), eps = m.model.layerNormEps;
  const blocks: tf.Tensor[] = [];
  const tokens = encoderTokens(m, patches, branch, (output, block) => {
    if (block >= 0) blocks.push(output);
  });
  const first = (x: tf.Tensor): tf.Tensor => tf.reshape(tf.slice(x, [0, 0, 0], [x.shape[0], 1, width]), [x.shape[0], width]);
  const mean = (x: tf.Tensor): tf.Tensor => tf.mean(tf.slice(x, [0, 1, 0], [x.shape[0], x.shape[1]! - 1, width]), 1);
  const scope = encoderScope(m, branch);
  switch (kind) {
    case 'class': return first(tokens);
    case 'last-block': return first(blocks.at(-1)!);
    case 'mean': return mean(tokens);
    case 'mean-norm': return layerNorm(mean(blocks.at(-1)!), null, null, eps);
    case 'last-four': return tf.concat(blocks.slice(-Math.min(4, depth)).map((x) => (scope.has('norm.weight') ? norm(scope.at('norm'), first(x), { kind: 'layer', eps }, false) : first(x))), 1);
    case 'class-and-mean': return tf.concat([first(tokens), mean(tokens)], 1);
  }
}
