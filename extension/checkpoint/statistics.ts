/** What is to be known of a tensor's values, taken in pieces so that whatever else the process does goes on between them. */
import type { TensorFile, TensorInfo } from '../../backend/formats/tensorFile.ts';
import { dtypeBits } from '../../backend/formats/dtypes.ts';
import { hasNumbers, toNumbers } from '../../backend/formats/numbers.ts';
import { InputError } from '../../backend/errors.ts';
import type { ValueHistogram, ValueStatistics } from '../../backend/protocol.ts';

/** Some three milliseconds of work. */
const pieceValues = 2 ** 18;

export interface Work {
  signal: AbortSignal;
  /** Called after each piece with its bytes. */
  onBytes?: (bytes: number) => void;
}

/** The tensor's values, some at a time; reading the next ones lets others have the processor. Throws what the signal was aborted with. */
export async function* numbersOf(file: TensorFile, { name, dtype }: TensorInfo, { signal, onBytes }: Work): AsyncGenerator<Float32Array | Float64Array> {
  if (!hasNumbers(dtype)) throw new InputError(`values of dtype ${dtype} share bytes, and are not read`);
  for await (const bytes of file.pieces(name, (pieceValues * dtypeBits(dtype)) / 8)) {
    signal.throwIfAborted();
    yield toNumbers(bytes, dtype);
    onBytes?.(bytes.byteLength);
  }
}

/** Counts and moments of values that come piece by piece; the moments by Chan's way of joining them, which large means do not spoil. */
export class Tally {
  private count = 0;
  private nan = 0;
  private positiveInfinite = 0;
  private negativeInfinite = 0;
  private zeros = 0;
  private min = Infinity;
  private max = -Infinity;
  private finite = 0;
  private mean = 0;
  /** Sum of squared distances from the mean. */
  private spread = 0;
  private squares = 0;

  add(values: Float32Array | Float64Array): void {
    let finite = 0, sum = 0, zeros = 0, squares = 0, { min, max } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value - value !== 0) {
        // NaN and infinities: their difference with themselves is NaN.
        if (value === Infinity) this.positiveInfinite++;
        else if (value === -Infinity) this.negativeInfinite++;
        else this.nan++;
        continue;
      }
      finite++;
      sum += value;
      squares += value * value;
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.count += values.length;
    this.zeros += zeros;
    this.squares += squares;
    this.min = min;
    this.max = max;
    if (finite === 0) return;
    const mean = sum / finite;
    let spread = 0;
    for (let i = 0; i < values.length; i++) {
      const distance = values[i]! - mean;
      if (distance - distance === 0) spread += distance * distance;
    }
    const all = this.finite + finite, apart = mean - this.mean;
    this.spread += spread + apart * apart * ((this.finite * finite) / all);
    this.mean += (apart * finite) / all;
    this.finite = all;
  }

  get result(): ValueStatistics {
    const { count, nan, positiveInfinite, negativeInfinite, zeros, finite, mean, spread, squares } = this;
    const none = finite === 0;
    return {
      count, nan, positiveInfinite, negativeInfinite, zeros,
      min: none ? NaN : this.min, max: none ? NaN : this.max, mean: none ? NaN : mean, deviation: none ? NaN : Math.sqrt(spread / finite), norm: none ? NaN : Math.sqrt(squares),
    };
  }
}

export async function statisticsOf(file: TensorFile, tensor: TensorInfo, work: Work): Promise<ValueStatistics> {
  const tally = new Tally();
  for await (const values of numbersOf(file, tensor, work)) tally.add(values);
  return tally.result;
}

/** How many values lie in each of `bins` equal parts of the range. Null where there is no range. */
export async function histogramOf(file: TensorFile, tensor: TensorInfo, { min, max }: ValueStatistics, bins: number, work: Work): Promise<ValueHistogram | null> {
  if (!(max > min)) return null;
  const counts = new Array<number>(bins).fill(0);
  // Halved first: the range of doubles may itself be more than a double holds.
  const width = max / 2 - min / 2;
  for await (const values of numbersOf(file, tensor, work)) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value - value === 0) counts[Math.min(bins - 1, Math.floor(((value / 2 - min / 2) / width) * bins))]!++;
    }
  }
  return { low: min, high: max, counts };
}
