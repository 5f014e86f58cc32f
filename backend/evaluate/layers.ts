/** Patch features of images at any depth of a model: a block, the encoder's end, behind the projector, or what the method predicts. */
import * as tf from '@tensorflow/tfjs-core';
import type { RelativeGeometry } from '../augment/geometry.ts';
import { InputError } from '../errors.ts';
import type { Branch, ViewTensors } from '../methods/method.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions } from '../nn/model.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { encoderTokens, hasTarget, type FeatureModel } from './features.ts';

/** `block` counts from 0, and is taken as it leaves the block, before any final norm. */
export type Layer = { kind: 'encoder' } | { kind: 'block'; block: number } | { kind: 'projector' } | { kind: 'prediction' };

/** `encoder`, `block:N`, `projector` or `prediction`. Throws InputError for anything else. */
export function parseLayer(text: string): Layer {
  const block = /^block:(\d{1,4})$/.exec(text);
  if (block) return { kind: 'block', block: Number(block[1]) };
  if (text === 'encoder' || text === 'projector' || text === 'prediction') return { kind: text };
  throw new InputError(`there is no layer "${text}": give encoder, block:N (from 0), projector or prediction`);
}

export const layerName = (layer: Layer): string => (layer.kind === 'block' ? `block:${layer.block}` : layer.kind);

export interface PatchFeatures {
  /** [images, patches, dimension]. */
  values: Float32Array;
  dimension: number;
}

const chunk = 32;

/** Runs `compute` on the images in chunks and joins what it gives, [n, patches, D]. */
async function inChunks(images: number, compute: (from: number, to: number) => tf.Tensor): Promise<PatchFeatures> {
  let values = new Float32Array(0), dimension = 0;
  for (let from = 0; from < images; from += chunk) {
    const part = tf.tidy(() => withoutGradient(() => compute(from, Math.min(images, from + chunk))));
    const [, patches] = part.shape as [number, number];
    dimension = part.shape.at(-1)!;
    if (values.length === 0) values = new Float32Array(images * patches * dimension);
    values.set(await part.data<'float32'>(), from * patches * dimension);
    part.dispose();
  }
  return { values, dimension };
}

const pixelsOf = ({ model }: FeatureModel, pixels: Uint8Array, size: number, from: number, to: number): tf.Tensor => {
  const bytes = size ** 2 * 3;
  return imagePatches(pixels.subarray(from * bytes, to * bytes), size, model.patchSize);
};

/** Masks [patches] of images as a method takes them; those of images that keep different numbers are given without positions. */
export function maskTensors(masks: readonly Uint8Array[] | null): Pick<ViewTensors, 'visible' | 'mask'> {
  if (!masks || masks.length === 0) return { visible: null, mask: null };
  const seen = masks.map((mask) => Array.from(mask.keys()).filter((patch) => mask[patch] === 0));
  const count = seen[0]!.length;
  return {
    visible: seen.every(({ length }) => length === count) ? tf.tensor(Int32Array.from(seen.flat()), [masks.length, count], 'int32') : null,
    mask: tf.tensor(Float32Array.from(masks.flatMap((mask) => [...mask])), [masks.length, masks[0]!.length]),
  };
}

const withoutClass = (tokens: tf.Tensor): tf.Tensor => tf.slice(tokens, [0, 1, 0], [tokens.shape[0], tokens.shape[1]! - 1, tokens.shape[2]!]);

/** Throws InputError where the model has no such branch or layer. */
function check({ model, method, parameters }: FeatureModel, branch: Branch, layer: Layer): void {
  if (branch === 'target' && !hasTarget({ method, parameters })) throw new InputError(`${method.name} has no target branch: look at the online one`);
  const { depth } = modelDimensions(model);
  if (layer.kind === 'block' && methodOf(method).tokens) throw new InputError(`${method.name} has no blocks: look at the encoder`);
  if (layer.kind === 'block' && layer.block >= depth) throw new InputError(`there is no block ${layer.block}: this encoder has blocks 0 to ${depth - 1}`);
  if (layer.kind === 'projector' && !methodOf(method).project) throw new InputError(`${method.name} has no projector: look at the encoder or one of its blocks`);
}

/** The patch features of images, [n, size, size, 3] RGB bytes, whole and without a mask, of one branch at one layer but the prediction. */
export function patchFeatures(m: FeatureModel, pixels: Uint8Array, branch: Branch, layer: Exclude<Layer, { kind: 'prediction' }>, size = m.model.imageSize): Promise<PatchFeatures> {
  check(m, branch, layer);
  return inChunks(pixels.length / (size ** 2 * 3), (from, to) => {
    const patches = pixelsOf(m, pixels, size, from, to);
    if (layer.kind === 'block') {
      let tokens: tf.Tensor | null = null;
      encoderTokens(m, patches, branch, (output, block) => {
        if (block === layer.block) tokens = tf.clone(output);
      });
      return withoutClass(tokens!);
    }
    const encoded = encoderTokens(m, patches, branch);
    return withoutClass(layer.kind === 'projector' ? methodOf(m.method).project!(m.parameters, m.model, m.method, encoded, branch) : encoded);
  });
}

/**
 * What the method predicts for each patch of view b from view a, of which it sees those that `masks` leaves (1 is hidden, as many in each
 * image; null: all), and where b lies to it. Throws InputError where it predicts no features of patches.
 */
export function predictedFeatures(m: FeatureModel, a: Uint8Array, geometry: readonly RelativeGeometry[], masks: readonly Uint8Array[] | null = null): Promise<PatchFeatures> {
  return inChunks(geometry.length, (from, to) => {
    const views = [{ patches: pixelsOf(m, a, m.model.imageSize, from, to), ...maskTensors(masks?.slice(from, to) ?? null) }];
    const predicted = methodOf(m.method).predict?.(m.parameters, m.model, m.method, { views, geometry: geometry.slice(from, to) });
    if (!predicted) throw new InputError(`${m.method.name} with these options predicts no features of patches: look at the encoder`);
    return predicted;
  });
}
