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

/** Images [n, size, size, 3] at another size. */
function resized({ pixels, size }: Picture, side: number): Picture {
  if (size === side) return { pixels, size };
  const count = pixels.length / (3 * size ** 2), images = new Uint8Array(count * 3 * side ** 2), whole = { full: side, offset: 0, count: side };
  for (let i = 0; i < count; i++) {
    const kernels = new Kernels(), image = pixels.subarray(i * 3 * size ** 2, (i + 1) * 3 * size ** 2);
    const picture = resample(kernels, kernels.picture(image, size, size), { top: 0, left: 0, height: size, width: size, mirrored: false }, whole, whole, 'lanczos');
    images.set(kernels.pixels(picture), i * 3 * side ** 2);
  }
  return { pixels: images, size: side };
}

/**
 * The code of each patch of images, [n, size, size, 3] RGB: [n, patches], row by row. `small` is the tokenizer's own view of them where the
 * caller has one (training's is cut from the original); left out: the images, made smaller. Throws InputError where the method has no codes.
 */
export async function patchCodes({ model, method, parameters }: FeatureModel, pixels: Uint8Array, size: number, small?: Picture): Promise<Int32Array> {
  const tokenizing = methodOf(method), { pictures = [] } = tokenizing;
  if (!tokenizing.codes) throw new InputError(`${method.name} gives patches no codes: look at its features`);
  const { views } = recipeOf(method).views(model, method);
  const own = { pixels, size };
  const read = views.filter(({ name }) => pictures.includes(name)).map((view) => [view.name, small?.size === view.size ? small : resized(own, view.size)] as const);
  const given = tf.tidy(() =>
    withoutGradient(() => {
      const patched = views.filter(({ name }) => !pictures.includes(name)).map(() => ({ patches: imagePatches(pixels, size, model.patchSize), visible: null, mask: null }));
      return tokenizing.codes!(parameters, model, method, { views: patched, pictures: Object.fromEntries(read), geometry: null });
    }),
  );
  const values = Int32Array.from(await given.data());
  given.dispose();
  return values;
}
