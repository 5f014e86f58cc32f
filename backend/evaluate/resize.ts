/** A model for images of another size than it was trained on: its position embeddings are resized by its method's own rule. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions } from '../nn/model.ts';
import { Parameters } from '../nn/parameters.ts';
import { relativeTable } from '../nn/relativeBias.ts';
import { resizedBias } from '../nn/resizedBias.ts';
import { resizedPositions } from '../nn/resizedPositions.ts';
import { encoderPrefixes, positionScale, type FeatureModel } from './features.ts';

/**
 * Takes the model over, of which nothing is left, and gives it back for images `imageSize` pixels wide: bicubic positions in the encoders,
 * BEiT's biases by its own rule, the fixed tables of the size elsewhere. Throws InputError, and leaves the model, where patches do not divide the size or
 * relative positions are too few to be resized.
 */
export function resizedModel<M extends FeatureModel>(m: M, imageSize: number): M {
  const { grid: from, patchSize, imageSize: own } = modelDimensions(m.model);
  if (imageSize === own) return m;
  if (imageSize % patchSize !== 0) throw new InputError(`patches of ${patchSize} pixels do not divide images of ${imageSize}: give ${Math.max(1, Math.round(imageSize / patchSize)) * patchSize}`);
  const model = { ...m.model, imageSize }, to = imageSize / patchSize;
  const specs = methodOf(m.method).specs(model, m.method).filter(({ name }) => m.parameters.has(name));
  const parameters = new Parameters(specs, null);
  const positions = new Set(Object.values(encoderPrefixes(m.method)).map((prefix) => `${prefix}pos_embed`));
  try {
    for (const { name, aliasOf } of specs) {
      if (aliasOf !== undefined) continue;
      const [before, after] = [m.parameters.get(name), parameters.get(name)];
      if (positions.has(name)) tf.tidy(() => after.assign(resizedPositions(before, from, to, positionScale(m.method.name, from, to))));
      else if (name.endsWith(relativeTable)) tf.tidy(() => after.assign(resizedBias(before, from, to)));
      else if (before.shape.join() === after.shape.join()) after.assign(before);
    }
  } catch (error) {
    parameters.dispose();
    throw error;
  }
  m.parameters.dispose();
  return { ...m, model, parameters };
}
