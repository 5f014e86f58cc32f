/** One sample step by step, for the editor: the same draws and the same pixels as training, with the picture after each op. */
import type { Crop } from '../augment/geometry.ts';
import { Kernels, type Picture } from '../augment/kernels.ts';
import { checkPlan, cropOwner, drawnBy, expandViews, type ViewPlan } from '../augment/plan.ts';
import { applyOp, drawView, renderCrop, type DrawnOp, type DrawnView, type SampleKey } from '../augment/views.ts';
import { InputError } from '../errors.ts';
import type { RawImage } from './bmp.ts';
import type { Dataset } from './dataset.ts';
import { decodeImage } from './decode.ts';

/** An op with the view's pixels after it, [size, size, 3] RGB; null where it was not applied, or decides only how the crop reads the image. */
export interface TracedOp extends DrawnOp {
  pixels: Uint8Array | null;
}

export interface TracedView {
  name: string;
  size: number;
  crop: DrawnView['crop'];
  /** `horizontalFlip` (where the plan has it), `randomResizedCrop`, then the view's ops in their order. */
  ops: TracedOp[];
  /** [patches], 1 is masked; null where the view has no mask. */
  mask: Uint8Array | null;
  /** [size, size, 3] RGB, what training sees before normalisation. */
  pixels: Uint8Array;
}

export interface SampleTrace {
  file: string;
  label: number | null;
  /** The decoded image, upright, before any op. */
  image: RawImage;
  views: TracedView[];
}

/** Replays a sample. Rejects with InputError where the file cannot be read or the plan cannot work. */
export async function traceSample(dataset: Dataset, plan: ViewPlan, key: SampleKey): Promise<SampleTrace> {
  checkPlan(plan);
  const kernels = new Kernels();
  const source = await decodeSample(kernels, dataset, key.index);
  const image = { pixels: kernels.pixels(source).slice(), width: source.width, height: source.height };
  return { file: dataset.file(key.index), label: dataset.label(key.index), image, views: traceViews(kernels, source, plan, key) };
}

/** An image of the dataset, decoded into the arena. Rejects with InputError where it cannot be read. */
export async function decodeSample(kernels: Kernels, dataset: Dataset, index: number): Promise<Picture> {
  const bytes = await dataset.read(index);
  return decodeImage(kernels, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).catch((error: Error) => {
    throw new InputError(`cannot decode ${dataset.file(index)}: ${error.message}`);
  });
}

/**
 * The views of a decoded image, step by step; the plan has been checked. `placed` are crops in place of the drawn ones, by view, null where
 * the drawn one is taken; views that share one crop share its owner's. Leaves the arena as it was.
 */
export function traceViews(kernels: Kernels, source: Picture, plan: ViewPlan, key: SampleKey, placed: readonly (Crop | null)[] = []): TracedView[] {
  const views = expandViews(plan);
  return views.map((view, position): TracedView => {
    const own = drawView(plan, views, position, key, source.width, source.height);
    const drawn = { ...own, crop: placed[cropOwner(plan, views, position)] ?? own.crop };
    const { crop, mask } = drawn;
    const mark = kernels.mark();
    const picture = renderCrop(kernels, source, crop, view.size, view.crop.interpolation);
    const { top, left, height, width } = crop;
    const ops: TracedOp[] = [{ op: 'randomResizedCrop', applied: true, parameters: { top, left, height, width }, pixels: kernels.pixels(picture).slice() }];
    if (crop.flipped || views[drawnBy(views, position)]!.ops.some((op) => op.op === 'horizontalFlip')) ops.unshift({ op: 'horizontalFlip', applied: crop.flipped, parameters: {}, pixels: null });
    for (const op of drawn.ops) {
      applyOp(kernels, picture, op);
      ops.push({ ...op, pixels: op.applied ? kernels.pixels(picture).slice() : null });
    }
    const pixels = kernels.pixels(picture).slice();
    kernels.release(mark);
    return { name: view.name, size: view.size, crop, ops, mask, pixels };
  });
}
