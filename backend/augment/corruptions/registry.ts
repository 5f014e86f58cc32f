/**
 * The fifteen corruptions of ImageNet-C and CIFAR-10-C at five levels, made as an image is read.
 * D. Hendrycks, T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR 2019.
 */
import { Random } from '../../random.ts';
import type { Kernels } from '../kernels.ts';
import { defocusBlur, glassBlur, motionBlur, zoomBlur } from './blur.ts';
import type { Corruption, Scale } from './corruption.ts';
import { contrast, jpegCompression, pixelate, throughJpeg } from './digital.ts';
import { elasticTransform } from './elastic.ts';
import { frost } from './frost.ts';
import { corruptionNames, type CorruptionName, type Level } from './names.ts';
import { gaussianNoise, impulseNoise, shotNoise } from './noise.ts';
import { brightness, fog, snow } from './weather.ts';

/** A corruption with its constants looked up, whatever these are. */
type ByLevel = (pixels: Uint8Array, size: number, scale: Scale, level: Level, random: Random, kernels: Kernels) => Uint8Array | Promise<Uint8Array>;

const byLevel = <C>({ levels, apply }: Corruption<C>): ByLevel => (pixels, size, scale, level, random, kernels) => apply(pixels, size, levels[scale][level - 1]!, random, kernels);

const corruptions: { readonly [N in CorruptionName]: ByLevel } = {
  gaussian_noise: byLevel(gaussianNoise), shot_noise: byLevel(shotNoise), impulse_noise: byLevel(impulseNoise),
  defocus_blur: byLevel(defocusBlur), glass_blur: byLevel(glassBlur), motion_blur: byLevel(motionBlur), zoom_blur: byLevel(zoomBlur),
  snow: byLevel(snow), frost: byLevel(frost), fog: byLevel(fog), brightness: byLevel(brightness),
  contrast: byLevel(contrast), elastic_transform: byLevel(elasticTransform), pixelate: byLevel(pixelate), jpeg_compression: byLevel(jpegCompression),
};

/** Images of at most so many pixels a side are corrupted by the constants for small ones. */
const largestSmall = 64;

export const scaleOf = (size: number): Scale => (size <= largestSmall ? 'cifar-10-c' : 'imagenet-c');

/** ImageNet-C is published as JPEG files of this quality; CIFAR-10-C as it was computed. */
export const storedQuality: { readonly [S in Scale]: number | null } = { 'imagenet-c': 85, 'cifar-10-c': null };

/** What a corrupted image follows from; equal keys give equal images. */
export interface CorruptionKey {
  seed: number;
  /** Of the dataset. */
  index: number;
}

/** RGB [size, size, 3] at one level of a corruption, before it is stored. */
export async function corrupt(kernels: Kernels, pixels: Uint8Array, size: number, name: CorruptionName, level: Level, { seed, index }: CorruptionKey): Promise<Uint8Array> {
  return corruptions[name](pixels, size, scaleOf(size), level, new Random(seed, index, corruptionNames.indexOf(name), level), kernels);
}

/** A corrupted image as the published data set holds it. */
export async function corruptAndStore(kernels: Kernels, pixels: Uint8Array, size: number, name: CorruptionName, level: Level, key: CorruptionKey): Promise<Uint8Array> {
  const corrupted = await corrupt(kernels, pixels, size, name, level, key), quality = storedQuality[scaleOf(size)];
  return quality === null ? corrupted : throughJpeg(corrupted, size, quality);
}
