/** Exponential smoothing of a series, over every finite point in turn and without the bias towards zero at its beginning. */
import type { Series } from './series.ts';

export class Smoothed {
  readonly weight: number;
  values = new Float64Array(0);
  private readonly series: Series;
  private length = 0;
  private generation = 0;
  private mean = 0;
  private share = 1;

  /** `weight` of what came before, from 0 (the points themselves) to below 1. */
  constructor(series: Series, weight: number) {
    this.series = series;
    this.weight = weight;
  }

  /** The smoothed value at each point: NaN before the first finite one. Valid until the series changes. */
  update(): Float64Array {
    const { series, weight } = this;
    if (this.generation !== series.generation) {
      this.generation = series.generation;
      this.length = 0;
      this.mean = 0;
      this.share = 1;
    }
    if (this.values.length < series.length) {
      const bigger = new Float64Array(series.values.length);
      bigger.set(this.values);
      this.values = bigger;
    }
    for (let i = this.length; i < series.length; i++) {
      const value = series.values[i]!;
      if (Number.isFinite(value)) {
        this.mean = weight * this.mean + (1 - weight) * value;
        this.share *= weight;
      }
      this.values[i] = this.share === 1 ? NaN : this.mean / (1 - this.share);
    }
    this.length = series.length;
    return this.values;
  }
}
