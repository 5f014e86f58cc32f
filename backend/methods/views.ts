/** The views that the papers' recipes take of a sample. */
import type { MaskSpec, OpSpec, ViewPlan } from '../augment/plan.ts';
import { InputError } from '../errors.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import type { MaeOptions } from './mae.options.ts';
import { tokenizerSide, type BeitOptions } from './beit.options.ts';
import { dvaeLayers } from './dvae.options.ts';
import type { DinoOptions, IbotOptions } from './dino.options.ts';
import type { Mocov3Options } from './mocov3.options.ts';
import type { MsnOptions } from './msn.options.ts';
import type { SiameseOptions } from './siamese.options.ts';
import type { SupervisedOptions } from './supervised.options.ts';

const ratio: [number, number] = [3 / 4, 4 / 3];
const flip: OpSpec = { op: 'horizontalFlip', p: 0.5 };
const jitter = { op: 'colorJitter' as const, p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 } satisfies OpSpec;
const grey: OpSpec = { op: 'grayscale', p: 0.2 };
/** The papers blur images of 224 pixels: smaller models see the same blur of the same picture. */
const blur = ({ imageSize }: ModelConfig, p: number): OpSpec => ({ op: 'gaussianBlur', p, sigma: [(0.1 * imageSize) / 224, (2 * imageSize) / 224] });

const inverted = ({ solarize }: { solarize: number }): OpSpec => ({ op: 'solarize', p: solarize, threshold: 128 });

/** Masked patches of a ratio: 0.6 of 196 is 118, 0.75 of 196 is 147. */
const maskedCount = (model: ModelConfig, maskRatio: number): number => Math.round(modelDimensions(model).patches * maskRatio);

/** Width by height of a mask's blocks, as BEiT draws them. */
const blockAspect: [number, number] = [0.3, 1 / 0.3];

/** A mask of the same number of patches for every image. */
function exactMask(model: ModelConfig, { mask, maskRatio, minBlock }: Pick<SiameseOptions, 'mask' | 'maskRatio' | 'minBlock'>): MaskSpec | null {
  if (mask === 'none') return null;
  const count = maskedCount(model, maskRatio);
  return mask === 'random' ? { kind: mask, count } : { kind: mask, count, minBlock, aspect: blockAspect };
}

/** SiameseIM's two views: a is masked and always blurred, b is whole, seldom blurred, and now and then solarised. */
export function pairedViews(model: ModelConfig, options: SiameseOptions): ViewPlan {
  const crop = { scale: options.scale, ratio, interpolation: 'bicubic' as const };
  const mask = exactMask(model, options);
  const colour = (...ops: OpSpec[]): OpSpec[] => (options.colour ? [flip, jitter, grey, ...ops] : [flip]);
  return {
    patchSize: model.patchSize,
    sameCrop: options.views === 'same',
    views: [
      { name: 'online', size: model.imageSize, crop, ops: colour(blur(model, 1)), mask },
      { name: 'target', size: model.imageSize, crop, ops: colour(blur(model, 0.1), inverted(options)), mask: null },
    ],
  };
}

/** MoCo-v3's two views, both seen by both branches: one is always blurred, the other seldom, and now and then solarised. */
export function contrastedViews(model: ModelConfig, options: Mocov3Options): ViewPlan {
  const crop = { scale: options.scale, ratio, interpolation: 'bilinear' as const };
  const mask = exactMask(model, options);
  return {
    patchSize: model.patchSize,
    views: [
      { name: 'first', size: model.imageSize, crop, ops: [flip, jitter, grey, blur(model, 1)], mask },
      { name: 'second', size: model.imageSize, crop, ops: [flip, jitter, grey, blur(model, 0.1), inverted(options)], mask },
    ],
  };
}

/** Two global crops, colours as MoCo-v3's, and many small local ones; iBOT masks the global ones. */
export function multiCrop(model: ModelConfig, options: DinoOptions | IbotOptions): ViewPlan {
  const crop = (scale: [number, number]) => ({ scale, ratio, interpolation: 'bicubic' as const });
  const mask = options.name === 'ibot' ? { kind: 'varied' as const, shape: options.mask, shares: options.maskShares, minBlock: options.minBlock, aspect: blockAspect } : null;
  return {
    patchSize: model.patchSize,
    views: [
      { name: 'global0', size: model.imageSize, crop: crop(options.globalScale), ops: [flip, jitter, grey, blur(model, 1)], mask },
      { name: 'global1', size: model.imageSize, crop: crop(options.globalScale), ops: [flip, jitter, grey, blur(model, 0.1), inverted(options)], mask },
      ...(options.localCrops > 0 ? [{ name: 'local', size: options.localSize, crop: crop(options.localScale), ops: [flip, jitter, grey, blur(model, 0.5)], mask: null, count: options.localCrops }] : []),
    ],
  };
}

/** MSN's whole target view, its anchors (whose patches the method drops itself, the same in all of a batch) and its small focal views. */
export function focalViews(model: ModelConfig, options: MsnOptions): ViewPlan {
  const view = (name: string, size: number, scale: [number, number], count?: number) => ({
    name, size, crop: { scale, ratio, interpolation: 'bilinear' as const }, mask: null, ...(count !== undefined && { count }),
    ops: [flip, { ...jitter, saturation: 0.4 }, grey, blur(model, 0.5)],
  });
  const { grid } = modelDimensions(model), side = Math.floor(options.focalSize / model.patchSize);
  if (options.focalViews > 0 && Math.floor(grid * Math.sqrt(side ** 2 / grid ** 2)) !== side) throw new InputError(`method.focalSize ${options.focalSize}: the official code cannot resize positions of ${grid} x ${grid} patches to ${side} x ${side} (rounding leaves one out): choose another size`);
  return {
    patchSize: model.patchSize,
    views: [view('target', model.imageSize, options.scale), view('anchor', model.imageSize, options.scale, options.anchorViews), ...(options.focalViews > 0 ? [view('focal', options.focalSize, options.focalScale, options.focalViews)] : [])],
  };
}

/** One view with timm's crop and RandAugment, as MAE and DeiT train on labels. */
export function labelledView(model: ModelConfig, { randAugment: magnitude }: SupervisedOptions): ViewPlan {
  const change: OpSpec = magnitude === null ? { ...jitter, saturation: 0.4, hue: 0 } : { op: 'randAugment', p: 1, operations: 2, chance: 0.5, magnitude, deviation: 0.5, interpolation: 'bicubic' };
  return {
    patchSize: model.patchSize,
    views: [{ name: 'online', size: model.imageSize, crop: { scale: [0.08, 1], ratio, interpolation: 'bicubic' }, ops: [flip, change], mask: null }],
  };
}

/** DenseCL's two views, drawn alike. */
export function densePair(model: ModelConfig): ViewPlan {
  const view = (name: string) => ({ name, size: model.imageSize, crop: { scale: [0.2, 1] as [number, number], ratio, interpolation: 'bilinear' as const }, ops: [flip, { ...jitter, saturation: 0.4 }, grey, blur(model, 0.5)], mask: null });
  return { patchSize: model.patchSize, views: [view('query'), view('key')] };
}

/** What BEiT does to colours; hue stays. */
const beitJitter: OpSpec = { op: 'colorJitter', p: 1, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0 };
const tokenizerCrop = { scale: [0.08, 1] as [number, number], ratio, interpolation: 'lanczos' as const };

/** BEiT's view, in which blocks are masked until its share is reached, or no other fits; and the same at the size that a dVAE takes, where the tokenizer is one. */
export function maskedView(model: ModelConfig, options: BeitOptions): ViewPlan {
  const { patches, grid } = modelDimensions(model);
  // A whisker more than the count, which the share of it may miss by a rounding error.
  const share = Math.min(1, (maskedCount(model, options.maskShare) + 1e-6) / patches);
  const side = tokenizerSide(grid, options);
  return {
    patchSize: model.patchSize,
    views: [
      { name: 'online', size: model.imageSize, crop: { ...tokenizerCrop, interpolation: 'bicubic' }, ops: [flip, beitJitter], mask: { kind: 'varied', shape: 'block', shares: [[share, share]], minBlock: 16, aspect: blockAspect } },
      ...(side === null ? [] : [{ name: 'tokenizer', size: side, crop: tokenizerCrop, sameAs: 'online', ops: [], mask: null }]),
    ],
  };
}

/** What a tokenizer will see of images, to learn from: BEiT's view at the size of the tokenizer's. */
export function tokenizerView(model: ModelConfig): ViewPlan {
  dvaeLayers(model);
  return { patchSize: model.patchSize, views: [{ name: 'online', size: model.imageSize, crop: tokenizerCrop, ops: [flip, beitJitter], mask: null }] };
}

/** MAE's single view: a crop of a fifth of the image or more, and a random mask. */
export function singleView(model: ModelConfig, options: MaeOptions): ViewPlan {
  return {
    patchSize: model.patchSize,
    views: [{ name: 'online', size: model.imageSize, crop: { scale: [0.2, 1], ratio, interpolation: 'bicubic' }, ops: [flip], mask: { kind: 'random', count: maskedCount(model, options.maskRatio) } }],
  };
}
