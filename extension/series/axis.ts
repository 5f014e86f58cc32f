/** Where a run's points lie on the axes other than steps: epochs and images follow from the run's own record of them by step. */
import type { Series } from './series.ts';

/** Positions of a series' points on an axis that another series (epochs by step, say) gives, or a factor (images a step). */
export class AxisColumn {
  private readonly series: Series;
  private readonly source: Series | number;
  private values = new Float64Array(0);
  private length = 0;
  private generation = 0;
  private sourceGeneration = 0;
  private place = 0;

  constructor(series: Series, source: Series | number) {
    this.series = series;
    this.source = source;
  }

  /** A position for each point, never falling. Valid until a series changes. */
  update(): Float64Array {
    const { series, source } = this;
    const sourceGeneration = typeof source === 'number' ? 0 : source.generation;
    if (this.generation !== series.generation || this.sourceGeneration !== sourceGeneration) {
      this.generation = series.generation;
      this.sourceGeneration = sourceGeneration;
      this.length = this.place = 0;
    }
    if (this.values.length < series.length) {
      const bigger = new Float64Array(series.values.length);
      bigger.set(this.values);
      this.values = bigger;
    }
    let { place } = this;
    let settled = this.length;
    for (let i = this.length; i < series.length; i++) {
      const step = series.steps[i]!;
      let value: number;
      if (typeof source === 'number') {
        value = step * source;
        settled = i + 1;
      } else {
        while (place + 1 < source.length && source.steps[place + 1]! <= step) place++;
        value = source.length > 0 ? source.values[place]! : NaN;
        // A later record may still lie before this point's step.
        if (source.length > 0 && source.steps[source.length - 1]! >= step) {
          settled = i + 1;
          this.place = place;
        }
      }
      const before = i > 0 ? this.values[i - 1]! : -Infinity;
      this.values[i] = value > before ? value : Math.max(before, 0);
    }
    this.length = settled;
    return this.values;
  }
}
