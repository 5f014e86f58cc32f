/** Assignments of images to prototypes, as a method gives them, for pictures. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { methodOf } from '../methods/registry.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import type { Assignment } from '../protocol.ts';
import type { FeatureModel } from './features.ts';

const batchOf = ({ model }: FeatureModel, pixels: Uint8Array, size: number) => ({ views: [{ patches: imagePatches(pixels, size, model.patchSize), visible: null, mask: null }], geometry: null });

/** Logits over prototypes of images, [n, size, size, 3] RGB: [n, prototypes]. Throws InputError where the method has none. */
export async function prototypeLogits(m: FeatureModel, pixels: Uint8Array, size: number): Promise<Float32Array> {
  const method = methodOf(m.method);
  if (!method.prototypes) throw new InputError(`${m.method.name} has no prototypes`);
  const logits = tf.tidy(() => withoutGradient(() => method.prototypes!(m.parameters, m.model, m.method, batchOf(m, pixels, size))));
  const values = (await logits.data<'float32'>()).slice();
  logits.dispose();
  return values;
}

/** The softmax of logits, in double precision. */
export function distributionOf(logits: Float32Array): Float64Array {
  let top = -Infinity, sum = 0;
  for (const logit of logits) top = Math.max(top, logit);
  const shares = Float64Array.from(logits, (logit) => Math.exp(logit - top));
  for (const share of shares) sum += share;
  return shares.map((share) => share / sum);
}

/** In nats, of shares that sum to 1. */
export function entropyOf(shares: Float64Array): number {
  let sum = 0;
  for (const share of shares) if (share > 0) sum -= share * Math.log(share);
  return sum;
}

/** The `count` most probable prototypes. */
export function assignmentOf(logits: Float32Array, count: number): Assignment {
  const shares = distributionOf(logits);
  const first = Array.from(shares.keys()).sort((p, q) => shares[q]! - shares[p]! || p - q).slice(0, count);
  return { prototypes: first, probabilities: first.map((k) => shares[k]!), entropy: entropyOf(shares) };
}

/** The cross entropy of the distribution of `logits` under that of `other`, in nats. */
export function crossEntropyOf(logits: Float32Array, other: Float32Array): number {
  const shares = distributionOf(logits);
  let top = -Infinity, sum = 0, cross = 0;
  for (const logit of other) top = Math.max(top, logit);
  for (const logit of other) sum += Math.exp(logit - top);
  shares.forEach((share, k) => (cross -= share * (other[k]! - top - Math.log(sum))));
  return cross;
}
