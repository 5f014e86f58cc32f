/** What a method that paints patches makes of an image of which it sees some, as MAE, or of which it keeps codes alone, as a dVAE: its own picture of what it learned. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { methodOf } from '../methods/registry.ts';
import { transformerDimensions } from '../nn/model.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches, imagenetMean, imagenetStd } from '../ops/imagePatches.ts';
import type { FeatureModel } from './features.ts';
import { maskTensors } from './layers.ts';

export interface Reconstruction {
  /** [patches], 1 is masked; null: the image was read whole. */
  mask: Uint8Array | null;
  /** [size, size, 3] RGB: every patch as it was painted. */
  pixels: Uint8Array;
  /** Patches were painted up to their own mean and deviation, which nobody told the model: shown with the average ones of the patches that it saw. */
  normalised: boolean;
}

/** Paints an image, [size, size, 3] RGB, of which the method sees what the mask leaves, [patches], 1 is masked; one that reads images whole sees all of it. Throws InputError where the method paints none. */
export async function reconstruct({ model, method, parameters }: FeatureModel, image: Uint8Array, hidden: Uint8Array | null): Promise<Reconstruction> {
  const painter = methodOf(method);
  const readsWhole = painter.pictures !== undefined, mask = readsWhole ? null : hidden;
  if (!painter.reconstruct || !(readsWhole || mask)) throw new InputError(`${method.name} paints no patches: look at its features`);
  const { imageSize: size, patchSize: side, patches, grid } = transformerDimensions(model);
  if ((mask?.length ?? patches) !== patches || image.length !== 3 * size ** 2) throw new InputError(`${method.name} paints views of ${size} pixels alone`);
  const visible = Int32Array.from(Array.from({ length: patches }, (_, patch) => patch).filter((patch) => !mask?.[patch]));
  const { painted, target, normalised } = tf.tidy(() =>
    withoutGradient(() => {
      const batch = { views: [{ patches: imagePatches(image, size, side), ...maskTensors(mask && [mask]) }], geometry: null };
      const made = painter.reconstruct!(parameters, model, method, batch);
      return { painted: made.painted, target: made.target, normalised: made.normalised };
    }),
  );
  const values = await painted.data<'float32'>();
  tf.dispose([painted, target]);
  const perPatch = side * side * 3;
  const placeOf = (patch: number, i: number): number => ((Math.floor(patch / grid) * side + Math.floor(i / (3 * side))) * size + (patch % grid) * side + (Math.floor(i / 3) % side)) * 3 + (i % 3);
  const { mean, deviation } = normalised ? seenStatistics(visible, perPatch, (patch, i) => (image[placeOf(patch, i)]! / 255 - imagenetMean[i % 3]!) / imagenetStd[i % 3]!) : { mean: 0, deviation: 1 };
  const pixels = new Uint8Array(size * size * 3);
  for (let patch = 0; patch < patches; patch++)
    for (let i = 0; i < perPatch; i++) {
      const value = values[patch * perPatch + i]! * deviation + mean;
      pixels[placeOf(patch, i)] = Math.max(0, Math.min(255, Math.round(255 * (value * imagenetStd[i % 3]! + imagenetMean[i % 3]!))));
    }
  return { mask, pixels, normalised };
}

/** The average of the patches' means and deviations, over those that the model sees: of hidden ones it would be telling the answer. */
function seenStatistics(visible: Int32Array, perPatch: number, value: (patch: number, i: number) => number): { mean: number; deviation: number } {
  let mean = 0, deviation = 0;
  for (const patch of visible) {
    let sum = 0, squares = 0;
    for (let i = 0; i < perPatch; i++) sum += value(patch, i);
    for (let i = 0; i < perPatch; i++) squares += (value(patch, i) - sum / perPatch) ** 2;
    mean += sum / perPatch / visible.length;
    deviation += Math.sqrt(squares / (perPatch - 1)) / visible.length;
  }
  return { mean, deviation };
}
