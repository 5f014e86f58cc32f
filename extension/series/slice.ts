/** What of a series is drawn in a stretch of an axis: every point where there is room, else the lowest and the highest of each column of pixels. */
import type { Series } from './series.ts';

export interface Trace {
  /** Positions, never falling, and values; NaN is a break in the line. */
  x: Float64Array;
  y: Float64Array;
  /** The smoothed line at positions of its own; empty without smoothing. */
  smoothX: Float64Array;
  smoothY: Float64Array;
  /** Where values are not finite (one for each column), and which: 0 NaN, 1 infinite, -1 negative infinite. */
  nonFiniteX: Float64Array;
  nonFiniteKind: Float64Array;
}

const kindOf = (value: number): number => (Number.isNaN(value) ? 0 : value > 0 ? 1 : -1);

/** A list of pairs that grows. */
class Pairs {
  x = new Float64Array(1024);
  y = new Float64Array(1024);
  length = 0;

  push(x: number, y: number): void {
    if (this.length === this.x.length) {
      const [wideX, wideY] = [new Float64Array(2 * this.length), new Float64Array(2 * this.length)];
      wideX.set(this.x);
      wideY.set(this.y);
      [this.x, this.y] = [wideX, wideY];
    }
    this.x[this.length] = x;
    this.y[this.length++] = y;
  }

  get done(): [Float64Array, Float64Array] {
    return [this.x.subarray(0, this.length), this.y.subarray(0, this.length)];
  }
}

/**
 * The points of `series`, at positions `x`, that min <= x <= max holds, and one beyond on either side so that lines reach the edges. Where
 * more than two fall on each of `columns` equal parts, the lowest and the highest finite value of each part, at their own positions.
 */
export function slice(series: Series, x: Float64Array, min: number, max: number, columns: number, smoothed: Float64Array | null): Trace {
  const { values } = series;
  const from = series.lowerBound(x, min);
  let to = series.lowerBound(x, max, from);
  while (to < series.length && x[to]! <= max) to++;
  const line = new Pairs(), smooth = new Pairs(), marks = new Pairs();

  const point = (i: number): void => {
    line.push(x[i]!, Number.isFinite(values[i]!) ? values[i]! : NaN);
    if (smoothed) smooth.push(x[i]!, smoothed[i]!);
  };
  const column = (start: number, end: number): void => {
    const [low, high] = series.extremes(start, end);
    if (low < 0) line.push(x[start]!, NaN);
    else {
      line.push(x[Math.min(low, high)]!, values[Math.min(low, high)]!);
      if (low !== high) line.push(x[Math.max(low, high)]!, values[Math.max(low, high)]!);
    }
    if (smoothed) smooth.push(x[end - 1]!, smoothed[end - 1]!);
    const first = series.nonFiniteBefore(start);
    if (first < series.nonFiniteCount && series.nonFinite[first]! < end) marks.push(x[series.nonFinite[first]!]!, kindOf(values[series.nonFinite[first]!]!));
  };

  if (from > 0) point(from - 1);
  if (to - from <= 2 * columns) {
    for (let i = from; i < to; i++) {
      point(i);
      if (!Number.isFinite(values[i]!)) marks.push(x[i]!, kindOf(values[i]!));
    }
  } else
    for (let c = 0, start = from; start < to; c++) {
      // Positions that coincide stay in one column, and the last takes what is left.
      const edge = c + 1 >= columns ? Infinity : min + ((max - min) * (c + 1)) / columns;
      const end = edge === Infinity ? to : series.lowerBound(x, edge, start, to);
      if (end > start) column(start, end);
      start = end;
    }
  if (to < series.length) point(to);
  const [lineX, lineY] = line.done, [smoothX, smoothY] = smooth.done, [nonFiniteX, nonFiniteKind] = marks.done;
  return { x: lineX, y: lineY, smoothX, smoothY, nonFiniteX, nonFiniteKind };
}
