/** All metrics of one run by their names, with the axes that they can be drawn over. */
import type { XAxis } from '../../backend/protocol.ts';
import { AxisColumn } from './axis.ts';
import { Series } from './series.ts';
import { Smoothed } from './smooth.ts';

/** Names under which loggers write what the other axes are made of. */
const epochNames = ['epoch', 'epochs', 'train/epoch', 'trainer/epoch'];
const imageNames = ['images', 'images_seen', 'samples', 'samples_seen', 'consumed_samples', 'num_samples', 'train/samples'];
/** More metrics than this in one run are no metrics: the rest is left out, counted. */
const maxMetrics = 2000;

export class RunSeries {
  readonly metrics = new Map<string, Series>();
  /** Images of one optimizer step, where the run says so. */
  imagesPerStep: number | null = null;
  /** Metrics left out because there are too many. */
  refused = new Set<string>();
  private readonly columns = new Map<Series, { epoch?: AxisColumn; images?: AxisColumn; smoothed?: Smoothed }>();

  /** The series of the name, made where there is none; null where there are too many. */
  series(name: string): Series | null {
    let series = this.metrics.get(name);
    if (!series) {
      if (this.metrics.size >= maxMetrics) {
        if (this.refused.size < maxMetrics) this.refused.add(name);
        return null;
      }
      series = new Series();
      this.metrics.set(name, series);
    }
    return series;
  }

  clear(): void {
    this.drop([...this.metrics.values()]);
  }

  /** What a file told that is another one now no longer counts. */
  drop(gone: readonly Series[]): void {
    for (const [name, series] of this.metrics) if (gone.includes(series)) this.metrics.delete(name);
    this.columns.clear();
    this.refused.clear();
  }

  get points(): number {
    let sum = 0;
    for (const series of this.metrics.values()) sum += series.length;
    return sum;
  }

  get axes(): XAxis[] {
    const timed = [...this.metrics.values()].some(({ times }) => times !== null);
    return ['step', ...(this.find(epochNames) ? ['epoch' as const] : []), ...(timed ? ['time' as const] : []), ...(this.imagesPerStep !== null || this.find(imageNames) ? ['images' as const] : [])];
  }

  /** Where the points of the series lie on the axis, never falling; null where the run does not say. Valid until a series changes. */
  positions(series: Series, axis: XAxis): Float64Array | null {
    if (axis === 'step') return series.steps;
    if (axis === 'time') return series.times;
    const source = axis === 'epoch' ? this.find(epochNames) : (this.find(imageNames) ?? this.imagesPerStep);
    if (source === null) return null;
    const columns = this.columnsOf(series);
    return (columns[axis] ??= new AxisColumn(series, source)).update();
  }

  /** The position of a step on the axis; null where the run does not say. */
  positionOf(step: number, axis: XAxis, through: Series): number | null {
    if (axis === 'step') return step;
    const x = this.positions(through, axis);
    if (!x || through.length === 0) return null;
    return x[Math.min(through.lowerBound(through.steps, step), through.length - 1)]!;
  }

  /**
   * The smoothed values of the series, or null where it is to be drawn as it is. `weight` is that of what came before in the run's longest
   * series: one that has a point for many of its points, such as evaluations between steps, looks back over the same stretch and thus
   * over fewer points, and is left alone where a point would be worth more than all before it.
   */
  smoothed(series: Series, weight: number): Float64Array | null {
    const longest = Math.max(...[...this.metrics.values()].map(({ length }) => length));
    // By powers of two, so that the weight stays as both grow.
    const sparsity = 2 ** Math.round(Math.log2(longest / Math.max(1, series.length)));
    return sparsity > 1 && weight ** sparsity < 0.5 ? null : this.smoothedBy(series, weight ** sparsity);
  }

  private smoothedBy(series: Series, weight: number): Float64Array {
    const columns = this.columnsOf(series);
    if (columns.smoothed?.weight !== weight) columns.smoothed = new Smoothed(series, weight);
    return columns.smoothed.update();
  }

  private columnsOf(series: Series): { epoch?: AxisColumn; images?: AxisColumn; smoothed?: Smoothed } {
    let columns = this.columns.get(series);
    if (!columns) this.columns.set(series, (columns = {}));
    return columns;
  }

  private find(names: readonly string[]): Series | null {
    for (const name of names) {
      const series = this.metrics.get(name);
      if (series) return series;
    }
    return null;
  }
}
