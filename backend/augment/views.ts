/** From a decoded image to its views: what is drawn for each (a pure function of the sample's key), and its pixels. */
import { Random } from '../random.ts';
import { drawCrop } from './crop.ts';
import type { Crop } from './geometry.ts';
import type { Kernels, Picture } from './kernels.ts';
import { drawMask } from './masks.ts';
import type { OpParameters } from './ops/op.ts';
import { opNamed } from './ops/registry.ts';
import { cropOwner, drawnBy, gridOf, type ViewPlan, type ViewSpec } from './plan.ts';
import { resample, type Interpolation } from './resample.ts';

/** What every draw of a sample follows from; equal keys give equal views. */
export interface SampleKey {
  seed: number;
  epoch: number;
  /** Of the dataset. */
  index: number;
}

/** One op of a view as it was drawn. `parameters` is drawn even where the op is not applied. */
export interface DrawnOp {
  op: string;
  applied: boolean;
  parameters: OpParameters;
}

/** Everything random of one view. `ops` holds the colour ops; the flip is in the crop. */
export interface DrawnView {
  crop: Crop;
  ops: DrawnOp[];
  /** [patches], 1 is masked. */
  mask: Uint8Array | null;
}

/** Each part of a view draws from its own stream, so that changing one op leaves the draws of all others as they were. */
const streams = { crop: 0, flip: 1, mask: 2, firstOp: 3 };

/** Draws view number `position` of `views` (the plan's expanded views) for an image of the given size. */
export function drawView(plan: ViewPlan, views: readonly ViewSpec[], position: number, key: SampleKey, imageWidth: number, imageHeight: number): DrawnView {
  const view = views[position]!;
  const placed = cropOwner(plan, views, position), source = drawnBy(views, position);
  const random = (of: number, stream: number) => new Random(key.seed, key.epoch, key.index, of, stream);
  const flip = views[placed]!.ops.find((op) => op.op === 'horizontalFlip');
  const crop = {
    ...drawCrop(random(placed, streams.crop), imageWidth, imageHeight, views[placed]!.crop),
    flipped: flip !== undefined && random(placed, streams.flip).chance(flip.p),
    imageWidth,
    imageHeight,
  };
  const ops: DrawnOp[] = [];
  views[source]!.ops.forEach((spec, i) => {
    const op = opNamed(spec.op);
    if (!op) return;
    const stream = random(source, streams.firstOp + i);
    const applied = stream.chance(spec.p);
    ops.push({ op: spec.op, applied, parameters: op.draw(stream, spec) });
  });
  const mask = view.mask && view.mask.kind !== 'none' ? drawMask(random(position, streams.mask), gridOf(view, plan.patchSize), view.mask) : null;
  return { crop, ops, mask };
}

/** The crop of a view, resized to size x size: a flipped view reads the columns from right to left. */
export function renderCrop(kernels: Kernels, source: Picture, crop: Crop, size: number, interpolation: Interpolation): Picture {
  const left = crop.flipped ? crop.imageWidth - crop.left - crop.width : crop.left;
  const whole = { full: size, offset: 0, count: size };
  return resample(kernels, source, { top: crop.top, left, height: crop.height, width: crop.width, mirrored: crop.flipped }, whole, whole, interpolation);
}

/** Applies one drawn op in place, if it is applied. */
export function applyOp(kernels: Kernels, picture: Picture, drawn: DrawnOp): void {
  if (drawn.applied) opNamed(drawn.op)!.apply(kernels, picture, drawn.parameters);
}

/** The pixels of a drawn view: the crop, then its ops in order. Returns a new picture in the arena. */
export function renderView(kernels: Kernels, source: Picture, view: ViewSpec, drawn: DrawnView): Picture {
  const picture = renderCrop(kernels, source, drawn.crop, view.size, view.crop.interpolation);
  for (const op of drawn.ops) applyOp(kernels, picture, op);
  return picture;
}

/**
 * The evaluation pipeline's picture: the shorter side to round(size * 256 / 224) by bicubic, then the central
 * size x size (torchvision's Resize and CenterCrop), without computing what the crop drops.
 */
export function renderEvaluation(kernels: Kernels, source: Picture, size: number): Picture {
  const shorter = Math.round((size * 256) / 224);
  const longer = Math.trunc((shorter * Math.max(source.width, source.height)) / Math.min(source.width, source.height));
  const span = (full: number) => ({ full, offset: roundHalfEven((full - size) / 2), count: size });
  const columns = span(source.width <= source.height ? shorter : longer);
  const rows = span(source.width <= source.height ? longer : shorter);
  return resample(kernels, source, { top: 0, left: 0, height: source.height, width: source.width, mirrored: false }, columns, rows, 'bicubic');
}

/** Python's rounding, by which torchvision places its central crop. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}
