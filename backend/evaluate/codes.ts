/** The codes of an image's patches, as BEiT's tokenizer gives them: what the model learns to tell. */
import * as tf from '@tensorflow/tfjs-core';
import { Kernels } from '../augment/kernels.ts';
import { resample } from '../augment/resample.ts';
import { InputError } from '../errors.ts';
import type { Picture } from '../methods/method.ts';
import { recipeOf } from '../methods/recipes.ts';
import { methodOf } from '../methods/registry.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import type { FeatureModel } from './features.ts';

/** An image, size x size, at another size. */
function resized({ pixels, size }: Picture, side: number): Picture {
  if (size === side) return { pixels, size };
  const kernels = new Kernels(), whole = { full: side, offset: 0, count: side };
  const picture = resample(kernels, kernels.picture(pixels, size, size), { top: 0, left: 0, height: size, width: size, mirrored: false }, whole, whole, 'lanczos');
  return { pixels: kernels.pixels(picture).slice(), size: side };
}

/** Whether the method has a tokenizer whose codes can be shown. */
export const hasCodes = ({ method }: Pick<FeatureModel, 'method'>): boolean => methodOf(method).codes !== undefined;

/**
 * The code of each patch of an image at the model's size, [patches], row by row. `small` is the tokenizer's own view of it where the
 * caller has one (training's is cut from the original); left out: the image, made smaller. Throws InputError where the method has no codes.
 */
export async function patchCodes({ model, method, parameters }: FeatureModel, image: Uint8Array, small?: Picture): Promise<Int32Array> {
  const tokenizing = methodOf(method), { pictures = [] } = tokenizing;
  if (!tokenizing.codes) throw new InputError(`${method.name} has no tokenizer: look at its features`);
  const { views } = recipeOf(method).views(model, method);
  const own = { pixels: image, size: model.imageSize };
  const read = views.filter(({ name }) => pictures.includes(name)).map(({ name, size }) => [name, small?.size === size ? small : resized(own, size)] as const);
  const given = tf.tidy(() =>
    withoutGradient(() => {
      const patched = views.filter(({ name }) => !pictures.includes(name)).map(() => ({ patches: imagePatches(image, model.imageSize, model.patchSize), visible: null, mask: null }));
      return tokenizing.codes!(parameters, model, method, { views: patched, pictures: Object.fromEntries(read), geometry: null });
    }),
  );
  const values = Int32Array.from(await given.data());
  given.dispose();
  return values;
}
