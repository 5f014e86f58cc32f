/** What a corruption is: five levels of constants for each of the two published data sets, and what they do to an image. */
import type { Random } from '../../random.ts';
import type { Kernels } from '../kernels.ts';

/** Whose constants: ImageNet-C's, made for images of 224 pixels, or CIFAR-10-C's, for images of 32. */
export type Scale = 'imagenet-c' | 'cifar-10-c';

/** Constants of the levels 1 to 5. */
export type Levels<C> = readonly [C, C, C, C, C];

export interface Corruption<C> {
  levels: { readonly [S in Scale]: Levels<C> };
  /** `pixels`: RGB [size, size, 3], which stay as they are. Gives as many bytes anew. Draws come in the order of the published code. */
  apply: (this: void, pixels: Uint8Array, size: number, constants: C, random: Random, kernels: Kernels) => Uint8Array | Promise<Uint8Array>;
}

/** What a loop of its own does ten times as fast as TypedArray.from with a function. */
export function numbers(pixels: Uint8Array, white = 1): Float64Array {
  const result = new Float64Array(pixels.length);
  for (let i = 0; i < result.length; i++) result[i] = pixels[i]! / white;
  return result;
}

/** Bytes as numbers in [0, 1]. */
export const unit = (pixels: Uint8Array): Float64Array => numbers(pixels, 255);

/** Numbers as bytes, clipped to [0, 1] and cut to whole steps, as NumPy's uint8 does it. */
export function bytes(values: Float64Array): Uint8Array {
  const result = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Math.trunc(Math.min(1, Math.max(0, values[i]!)) * 255);
  return result;
}

/** Numbers of at most 255 as the bytes that are nearest. */
export function rounded(values: Float64Array): Uint8Array {
  const result = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Math.round(values[i]!);
  return result;
}
