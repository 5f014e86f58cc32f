/** Draws samples for the augmentation lab by the loader's own steps, fast enough to follow a slider: what was decoded is kept, and the arena with it. */
import { overlapShare, relativeGeometry, type Crop } from '../augment/geometry.ts';
import { Kernels, type Picture } from '../augment/kernels.ts';
import { movesPixels } from '../augment/ops/randAugment.ts';
import { cropOwner, expandViews, shownGrid, type ViewPlan } from '../augment/plan.ts';
import { resample } from '../augment/resample.ts';
import type { RawImage } from '../data/bmp.ts';
import type { Dataset } from '../data/dataset.ts';
import { decodeSample, traceViews, type TracedView } from '../data/trace.ts';
import { relativePositionTables } from '../nn/relativeTables.ts';
import type { LabBox, LabCard, LabCards, LabKey, LabPair, LabPicture, LabPositions, LabSample, LabShownView } from '../protocol.ts';
import { hiddenOf, type DrawnSample, type Drops } from './augmentationDrops.ts';

/** Longest sides of pictures on the page: the source, a step of the strip, a card among many. */
const sourceSide = 720, stepSide = 112, cardSide = 96;
/** Of decoded images that are kept. */
const keptBytes = 256 * 2 ** 20;

/** Collects pictures one behind the other, as they cross to the page. */
class PictureBuffer {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  add(pixels: Uint8Array, width: number, height: number): LabPicture {
    const offset = this.length;
    this.parts.push(pixels);
    this.length += pixels.length;
    return { offset, width, height };
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** A crop as a part of the upright image: a flipped view counts its columns from the right. */
export const boxOf = ({ top, left, height, width, flipped, imageWidth }: Crop): LabBox => ({ top, left: flipped ? imageWidth - left - width : left, height, width, mirrored: flipped });

/** The crop that a box stands for, in whole pixels inside the image. */
export function cropOf(box: LabBox, imageWidth: number, imageHeight: number): Crop {
  const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, Math.round(value)));
  const width = within(box.width, 1, imageWidth), height = within(box.height, 1, imageHeight);
  const left = within(box.left, 0, imageWidth - width), top = within(box.top, 0, imageHeight - height);
  return { top, left: box.mirrored ? imageWidth - left - width : left, height, width, flipped: box.mirrored, imageWidth, imageHeight };
}

export interface SampleRequest {
  plan: ViewPlan;
  dropped: Drops;
  key: LabKey;
  boxes: readonly (LabBox | null)[];
  withImage: boolean;
  positionWidth: number | null;
}

export class SampleDrawer {
  private readonly kernels = new Kernels();
  private readonly decoders = new Kernels();
  /** Decoded images, the least recently used first. */
  private readonly images = new Map<string, RawImage>();
  /** Decodings go one after the other: they share an arena. */
  private decoding: Promise<unknown> = Promise.resolve();
  /** What lies in the arena, and where what is drawn of it begins. */
  private loaded: { image: RawImage; picture: Picture; mark: number } | null = null;

  async sample(dataset: Dataset, { plan, dropped, key, boxes, withImage, positionWidth }: SampleRequest, signal: AbortSignal): Promise<Omit<LabSample, 'buffer'> & { bytes: Uint8Array }> {
    const began = performance.now();
    const image = await this.decoded(dataset, key.index, signal);
    const decodedAt = performance.now();
    const { width, height } = image;
    const traced = this.traced(image, plan, key, boxes);
    const pictures = new PictureBuffer();
    const specs = expandedPlaces(plan), expanded = expandViews(plan);
    const views = traced.map((view, i) => {
      const owner = cropOwner(plan, expanded, i);
      const { mask, hidden } = hiddenOf(view.mask, dropped[i]);
      return { ...this.shown(view, specs[i]!, plan, pictures, !boxes[owner]), mask: mask && [...mask], hidden, grid: shownGrid(plan, expanded, i), cropOf: owner };
    });
    const label = dataset.label(key.index);
    return {
      file: dataset.file(key.index), label: label === null ? null : (dataset.classes[label] ?? null), imageWidth: width, imageHeight: height,
      image: withImage ? this.smaller(this.load(image), sourceSide, pictures) : null,
      views, pairs: pairsOf(traced, views, positionWidth), bytes: pictures.bytes, decodeMilliseconds: decodedAt - began, drawMilliseconds: performance.now() - decodedAt,
    };
  }

  /** Samples from `from` on, small. One that cannot be read says why. */
  async cards(dataset: Dataset, plan: ViewPlan, dropsOf: (sample: DrawnSample) => Drops, indices: readonly number[], draws: { seed: number; epoch: number }, signal: AbortSignal, onDone: (done: number) => void): Promise<Omit<LabCards, 'buffer'> & { bytes: Uint8Array }> {
    const pictures = new PictureBuffer();
    const cards: LabCard[] = [];
    for (const index of indices) {
      signal.throwIfAborted();
      cards.push(await this.card(dataset, plan, dropsOf({ ...draws, index }), index, draws, pictures, signal));
      onDone(cards.length);
      // Requests of the page that came meanwhile go first.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { cards, bytes: pictures.bytes };
  }

  private async card(dataset: Dataset, plan: ViewPlan, dropped: Drops, index: number, draws: { seed: number; epoch: number }, pictures: PictureBuffer, signal: AbortSignal): Promise<LabCard> {
    const file = dataset.file(index);
    try {
      const image = await this.decoded(dataset, index, signal);
      const traced = this.traced(image, plan, { ...draws, index, drawnAs: index }, []);
      const [first, ...others] = traced, expanded = expandViews(plan);
      return {
        index, file, problem: null, imageWidth: image.width, imageHeight: image.height, image: this.smaller(this.load(image), cardSide * 1.5, pictures),
        views: traced.map(({ pixels, size, crop, mask: own }, i) => {
          const { mask } = hiddenOf(own, dropped[i]);
          return { picture: this.smallerPixels(pixels, size, cardSide, pictures), box: boxOf(crop), mask: mask && [...mask], grid: shownGrid(plan, expanded, i) };
        }),
        overlaps: others.map(({ crop }) => overlapShare(first!.crop, crop)),
      };
    } catch (error) {
      if (signal.aborted) throw error;
      return { index, file, problem: (error as Error).message, imageWidth: 0, imageHeight: 0, image: null, views: [], overlaps: [] };
    }
  }

  private traced(image: RawImage, plan: ViewPlan, { seed, epoch, drawnAs }: LabKey, boxes: readonly (LabBox | null)[]): TracedView[] {
    const placed = boxes.map((box) => box && cropOf(box, image.width, image.height));
    return traceViews(this.kernels, this.load(image), plan, { seed, epoch, index: drawnAs }, placed);
  }

  private async decoded(dataset: Dataset, index: number, signal: AbortSignal): Promise<RawImage> {
    const name = `${dataset.source}\n${index}`;
    const kept = this.images.get(name);
    if (kept) {
      this.images.delete(name);
      this.images.set(name, kept);
      return kept;
    }
    const work = this.decoding.then(async () => {
      // Nobody waits for it any more.
      signal.throwIfAborted();
      this.decoders.reset();
      const { width, height, ...picture } = await decodeSample(this.decoders, dataset, index);
      return { pixels: this.decoders.pixels({ width, height, ...picture }).slice(), width, height };
    });
    this.decoding = work.catch(() => undefined);
    const image = await work;
    this.images.set(name, image);
    let bytes = 0;
    for (const { pixels } of this.images.values()) bytes += pixels.length;
    for (const [oldest, { pixels }] of this.images) {
      if (bytes <= keptBytes || this.images.size === 1) break;
      this.images.delete(oldest);
      bytes -= pixels.length;
    }
    return image;
  }

  /** Forgets images of a data set that may have changed. */
  forget(): void {
    this.images.clear();
    this.loaded = null;
  }

  private load(image: RawImage): Picture {
    if (this.loaded?.image !== image) {
      this.kernels.reset();
      const picture = this.kernels.picture(image.pixels, image.width, image.height);
      this.loaded = { image, picture, mark: this.kernels.mark() };
    }
    return this.loaded.picture;
  }

  private shown({ name, size, crop, ops, pixels }: TracedView, spec: number, plan: ViewPlan, pictures: PictureBuffer, drawn: boolean): Omit<LabShownView, 'cropOf' | 'grid' | 'mask' | 'hidden'> {
    // Steps of another view's are set there.
    const isOwn = plan.views[spec]!.sameAs === undefined;
    const flips = plan.views[spec]!.ops.map(({ op }) => op).indexOf('horizontalFlip');
    const colours = plan.views[spec]!.ops.flatMap(({ op }, place) => (op === 'horizontalFlip' ? [] : [place]));
    const steps = ops.map(({ op, applied, parameters, pixels: after }) => ({
      op, applied, parameters, picture: after && this.smallerPixels(after, size, stepSide, pictures),
      place: !isOwn || op === 'randomResizedCrop' ? null : op === 'horizontalFlip' ? (flips < 0 ? null : flips) : colours.shift()!,
    }));
    return { name, spec, box: boxOf(crop), drawn, steps, picture: pictures.add(pixels, size, size), moved: ops.some(({ op, applied, parameters }) => applied && movesPixels(op, parameters)) };
  }

  private smallerPixels(pixels: Uint8Array, size: number, side: number, pictures: PictureBuffer): LabPicture {
    const mark = this.kernels.mark();
    const made = this.smaller(this.kernels.picture(pixels, size, size), side, pictures);
    this.kernels.release(mark);
    return made;
  }

  /** The picture with its longer side at most `side`. */
  private smaller(picture: Picture, side: number, pictures: PictureBuffer): LabPicture {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    if (scale === 1) return pictures.add(this.kernels.pixels(picture).slice(), picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * scale)), height = Math.max(1, Math.round(picture.height * scale));
    const mark = this.kernels.mark();
    const made = resample(this.kernels, picture, { top: 0, left: 0, height: picture.height, width: picture.width, mirrored: false }, { full: width, offset: 0, count: width }, { full: height, offset: 0, count: height }, 'bilinear');
    const pixels = this.kernels.pixels(made).slice();
    this.kernels.release(mark);
    return pictures.add(pixels, width, height);
  }
}

/** For each expanded view its place in the run file's list. */
export const expandedPlaces = (plan: ViewPlan): number[] => plan.views.flatMap(({ count }, place) => Array.from({ length: count ?? 1 }, () => place));

function pairsOf(traced: readonly TracedView[], shown: readonly LabShownView[], positionWidth: number | null): LabPair[] {
  const [a, ...others] = traced;
  if (!a) return [];
  return others.map((b, i) => {
    const gridA = shown[0]!.grid, gridB = shown[i + 1]!.grid;
    return {
      view: i + 1, overlapOfA: overlapShare(a.crop, b.crop), overlapOfB: overlapShare(b.crop, a.crop),
      positions: positionWidth !== null && gridA === gridB ? positionsOf(a.crop, b.crop, gridA, positionWidth) : null,
    };
  });
}

/**
 * The cosine of each of b's relative embeddings with each of those that a's own patches would have: the embedding is rows, columns and
 * scales side by side, and its squared length is `width` whatever the geometry, so the cosine is a sum of three inner products.
 */
export function positionsOf(a: Crop, b: Crop, grid: number, width: number): LabPositions {
  const of = (crop: Crop) => relativePositionTables([relativeGeometry(a, crop)], grid, width);
  const theirs = of(b), own = of(a);
  const half = width / 2;
  const products = (x: Float32Array, y: Float32Array): number[] => Array.from({ length: grid * grid }, (_, cell) => inner(x, Math.floor(cell / grid) * half, y, (cell % grid) * half, half) / width);
  return { rows: products(theirs.rows, own.rows), columns: products(theirs.columns, own.columns), scale: inner(theirs.scales, 0, own.scales, 0, width) / width };
}

function inner(x: Float32Array, fromX: number, y: Float32Array, fromY: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += x[fromX + i]! * y[fromY + i]!;
  return sum;
}
