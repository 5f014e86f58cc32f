/** Statistics of a pipeline's geometry over a data set: sizes are read from headers, crops and masks are drawn as for training, no image is decoded. */
import { mapPoint, overlapShare } from '../augment/geometry.ts';
import { expandViews, shownGrid, type ViewPlan } from '../augment/plan.ts';
import { drawView, type DrawnView } from '../augment/views.ts';
import type { Dataset } from '../data/dataset.ts';
import { imageSize, type ImageSize } from '../data/imageSize.ts';
import { InputError } from '../errors.ts';
import type { LabHidden, LabHistogram, LabStatistics } from '../protocol.ts';
import { Random } from '../random.ts';
import { hiddenOf, type Drops } from './augmentationDrops.ts';

/** Headers that are read at once. */
const readers = 8;
/** Others are answered in between. */
const sliceMilliseconds = 8;
const bins = 24;

export interface StatisticsOptions {
  seed: number;
  samples: number;
  /** What the method drops of a sample by itself: samples are taken for batches in the order in which they are drawn. */
  dropped: (sample: number) => Drops;
  signal: AbortSignal;
  /** Called with how much of the work is done, in [0, 1]. */
  onDone: (share: number) => void;
}

/**
 * Draws `samples` samples: of as many images as there are up to that, chosen by the seed, each at epoch 0, then at the next ones.
 * Rejects with InputError where no image's size can be read, or when the signal comes.
 */
export async function statisticsOf(dataset: Dataset, plan: ViewPlan, { seed, samples, dropped, signal, onDone }: StatisticsOptions): Promise<LabStatistics> {
  const chosen = dataset.length <= samples ? Array.from({ length: dataset.length }, (_, i) => i) : [...new Random(seed, dataset.length).permutation(dataset.length).subarray(0, samples)];
  const { sizes, unread, reason } = await sizesOf(dataset, chosen, signal, (share) => onDone(share / 2));
  if (sizes.length === 0) throw new InputError(`the size of none of ${chosen.length} images can be read: ${reason}`);
  const tally = new Tally(plan, dropped(0));
  let pause = performance.now() + sliceMilliseconds;
  for (let sample = 0; sample < samples; sample++) {
    const { index, width, height } = sizes[sample % sizes.length]!;
    tally.add({ seed, epoch: Math.floor(sample / sizes.length), index }, { width, height }, dropped(sample));
    if (performance.now() < pause) continue;
    onDone(0.5 + sample / samples / 2);
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    pause = performance.now() + sliceMilliseconds;
  }
  return { samples, unread, unreadReason: reason, imagesMeasured: sizes.length, ...tally.result(samples) };
}

async function sizesOf(dataset: Dataset, chosen: readonly number[], signal: AbortSignal, onDone: (share: number) => void): Promise<{ sizes: (ImageSize & { index: number })[]; unread: number; reason: string | null }> {
  const found: (ImageSize | null)[] = chosen.map(() => null);
  let next = 0, reason: string | null = null;
  const reader = async (): Promise<void> => {
    while (next < chosen.length) {
      signal.throwIfAborted();
      const at = next++;
      try {
        found[at] = await imageSize(dataset, chosen[at]!);
      } catch (error) {
        reason ??= `${dataset.file(chosen[at]!)}: ${(error as Error).message}`;
      }
      if (at % 64 === 0) onDone(at / chosen.length);
    }
  };
  await Promise.all(Array.from({ length: readers }, reader));
  const sizes = found.flatMap((size, at) => (size ? [{ ...size, index: chosen[at]! }] : []));
  return { sizes, unread: chosen.length - sizes.length, reason };
}

class Tally {
  private readonly plan: ViewPlan;
  private readonly views: ReturnType<typeof expandViews>;
  private readonly grids: number[];
  private readonly scale: number[][];
  private readonly aspect: number[][];
  private readonly hidden: LabHidden[];
  private readonly masked: (Float64Array | null)[];
  private readonly pairs: { overlap: number[]; without: number; inA: number; inVisible: number }[];

  constructor(plan: ViewPlan, dropped: Drops) {
    this.plan = plan;
    this.views = expandViews(plan);
    this.grids = this.views.map((_, i) => shownGrid(plan, this.views, i));
    this.scale = this.views.map(() => []);
    this.aspect = this.views.map(() => []);
    this.hidden = this.views.map(({ mask }, i) => (mask && mask.kind !== 'none' ? 'mask' : dropped[i] ? 'dropped' : null));
    this.masked = this.hidden.map((hidden, i) => (hidden ? new Float64Array(this.grids[i]! ** 2) : null));
    this.pairs = this.views.slice(1).map(() => ({ overlap: [], without: 0, inA: 0, inVisible: 0 }));
  }

  add(key: { seed: number; epoch: number; index: number }, { width, height }: ImageSize, dropped: Drops): void {
    const drawn = this.views.map((_, i) => {
      const view = drawView(this.plan, this.views, i, key, width, height);
      return { ...view, mask: hiddenOf(view.mask, dropped[i]).mask };
    });
    drawn.forEach(({ crop, mask }, i) => {
      this.scale[i]!.push((crop.width * crop.height) / (width * height));
      this.aspect[i]!.push(crop.width / crop.height);
      mask?.forEach((value, patch) => (this.masked[i]![patch]! += value));
    });
    drawn.slice(1).forEach((b, i) => this.addPair(drawn[0]!, b, this.pairs[i]!, this.grids[i + 1]!));
  }

  private addPair(a: DrawnView, b: DrawnView, pair: { overlap: number[]; without: number; inA: number; inVisible: number }, grid: number): void {
    const overlap = overlapShare(a.crop, b.crop);
    pair.overlap.push(overlap);
    if (overlap === 0) {
      pair.without++;
      return;
    }
    const gridA = this.grids[0]!;
    for (let row = 0; row < grid; row++)
      for (let column = 0; column < grid; column++) {
        const there = mapPoint(b.crop, a.crop, { row: (row + 0.5) / grid, column: (column + 0.5) / grid });
        if (there.row < 0 || there.row >= 1 || there.column < 0 || there.column >= 1) continue;
        pair.inA++;
        if (!a.mask?.[Math.floor(there.row * gridA) * gridA + Math.floor(there.column * gridA)]) pair.inVisible++;
      }
  }

  result(samples: number): Pick<LabStatistics, 'views' | 'pairs'> {
    const greatest = Math.max(...this.views.map(({ crop }) => Math.max(crop.ratio[1], 1 / crop.ratio[0])), 1.05);
    return {
      views: this.views.map(({ name }, i) => ({
        name, scale: histogram(this.scale[i]!, linear(0, 1)), aspect: histogram(this.aspect[i]!, logarithmic(1 / greatest, greatest)),
        masked: this.masked[i] ? Array.from(this.masked[i], (count) => count / samples) : null, hidden: this.hidden[i]!, grid: this.grids[i]!,
      })),
      pairs: this.pairs.map(({ overlap, without, inA, inVisible }, i) => {
        const patches = samples * this.grids[i + 1]! ** 2;
        return { view: i + 1, overlap: histogram(overlap, linear(0, 1)), without: without / samples, patchesInA: inA / patches, patchesInVisible: inVisible / patches };
      }),
    };
  }
}

const linear = (low: number, high: number): number[] => Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
const logarithmic = (low: number, high: number): number[] => linear(Math.log(low), Math.log(high)).map(Math.exp);

/** Counts values between the edges; what lies beyond them is counted at the ends. */
export function histogram(values: readonly number[], edges: number[]): LabHistogram {
  const counts = edges.slice(1).map(() => 0);
  let sum = 0;
  for (const value of values) {
    let low = 0, high = counts.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value < edges[middle + 1]!) high = middle;
      else low = middle + 1;
    }
    counts[low]!++;
    sum += value;
  }
  const sorted = Float64Array.from(values).sort();
  return { edges, counts, mean: sum / values.length, median: sorted[sorted.length >> 1]! };
}
