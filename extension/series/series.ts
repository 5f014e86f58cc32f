/** One metric of one run: every point, in the order of steps, with what is needed to find the lowest and highest of any stretch at once. */

/** Points under one node of the pyramid, at each level. */
const fan = 16, fanBits = 4;

const grown = <T extends Float64Array | Int32Array>(array: T, make: (length: number) => T): T => {
  const bigger = make(Math.max(64, 2 * array.length));
  bigger.set(array);
  return bigger;
};
const doubles = (length: number): Float64Array<ArrayBuffer> => new Float64Array(length);
const integers = (length: number): Int32Array<ArrayBuffer> => new Int32Array(length);

/** The nodes of one level that are complete: where the lowest and the highest finite value under each lies; -1 where none is finite. */
interface Level {
  low: Int32Array;
  high: Int32Array;
  length: number;
}

export class Series {
  length = 0;
  /** Strictly rising. */
  steps = doubles(0);
  values = doubles(0);
  /** Seconds since the run began, never falling; null until a point has one. */
  times: Float64Array<ArrayBuffer> | null = null;
  /** Where values that are not finite lie. */
  nonFinite = integers(0);
  nonFiniteCount = 0;
  /** Points that a later one at the same or a lower step took the place of. */
  superseded = 0;
  /** Grows when points are taken back: what was computed from them no longer counts. */
  generation = 0;
  private readonly levels: Level[] = [];

  /**
   * Adds a point. One at the step of a point before it, or at a lower one, takes the place of all from there on, as TensorBoard has it:
   * a run that was resumed computes these steps again.
   */
  append(step: number, value: number, seconds = NaN): void {
    if (this.length > 0 && step <= this.steps[this.length - 1]!) {
      const kept = this.lowerBound(this.steps, step);
      this.superseded += this.length - kept;
      this.truncate(kept);
    }
    const at = this.length;
    if (at === this.steps.length) {
      this.steps = grown(this.steps, doubles);
      this.values = grown(this.values, doubles);
      if (this.times) this.times = grown(this.times, doubles);
    }
    this.steps[at] = step;
    this.values[at] = value;
    if (this.times) this.times[at] = Math.max(at > 0 ? this.times[at - 1]! : -Infinity, Number.isFinite(seconds) ? seconds : -Infinity);
    else if (Number.isFinite(seconds)) this.times = doubles(this.steps.length).fill(seconds, 0, at + 1);
    if (!Number.isFinite(value)) {
      if (this.nonFiniteCount === this.nonFinite.length) this.nonFinite = grown(this.nonFinite, integers);
      this.nonFinite[this.nonFiniteCount++] = at;
    }
    this.length = at + 1;
    if ((this.length & (fan - 1)) === 0) this.complete();
  }

  /** Keeps the first `length` points. */
  truncate(length: number): void {
    if (length >= this.length) return;
    this.length = length;
    this.generation++;
    this.nonFiniteCount = this.nonFiniteBefore(length);
    for (const level of this.levels) level.length = Math.min(level.length, (length = Math.floor(length / fan)));
  }

  /** Drops the points at `step` and later. */
  truncateAt(step: number): void {
    this.truncate(this.lowerBound(this.steps, step));
  }

  /** The first place among the points of `x` (never falling, one for each point) that is not below `value`. */
  lowerBound(x: Float64Array, value: number, from = 0, to = this.length): number {
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (x[middle]! < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** How many of the first `length` points are not finite. */
  nonFiniteBefore(length: number): number {
    let from = 0, to = this.nonFiniteCount;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.nonFinite[middle]! < length) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Where the lowest and the highest finite value of points from <= i < to lie, the first of each; [-1, -1] where none is finite. */
  extremes(from: number, to: number): [low: number, high: number] {
    const { values, levels } = this;
    let low = -1, high = -1;
    const take = (l: number, h: number): void => {
      if (l < 0) return;
      if (low < 0 || values[l]! < values[low]!) low = l;
      if (high < 0 || values[h]! > values[high]!) high = h;
    };
    for (let i = from; i < to; ) {
      let depth = 0, size = 1;
      while (depth < levels.length && i % (size * fan) === 0 && i + size * fan <= to && i / (size * fan) < levels[depth]!.length) {
        depth++;
        size *= fan;
      }
      if (depth === 0) {
        if (Number.isFinite(values[i]!)) take(i, i);
      } else {
        const level = levels[depth - 1]!, node = i / size;
        take(level.low[node]!, level.high[node]!);
      }
      i += size;
    }
    return [low, high];
  }

  /** Makes the nodes that the last point completed. */
  private complete(): void {
    for (let depth = 0, count = this.length >> fanBits; ; depth++, count >>= fanBits) {
      const level = (this.levels[depth] ??= { low: integers(0), high: integers(0), length: 0 });
      const node = count - 1;
      if (node >= level.low.length) {
        level.low = grown(level.low, integers);
        level.high = grown(level.high, integers);
      }
      let low = -1, high = -1;
      const below = depth > 0 ? this.levels[depth - 1]! : null;
      for (let child = node * fan; child < (node + 1) * fan; child++) {
        const l = below ? below.low[child]! : child, h = below ? below.high[child]! : child;
        if (l < 0 || !Number.isFinite(this.values[l]!)) continue;
        if (low < 0 || this.values[l]! < this.values[low]!) low = l;
        if (high < 0 || this.values[h]! > this.values[high]!) high = h;
      }
      level.low[node] = low;
      level.high[node] = high;
      level.length = count;
      if ((count & (fan - 1)) !== 0) return;
    }
  }
}
