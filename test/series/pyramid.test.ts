/** Series, what is drawn of them, smoothing and axes, held against brute force. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../backend/random.ts';
import { AxisColumn } from '../../extension/series/axis.ts';
import { RunSeries } from '../../extension/series/runSeries.ts';
import { Series } from '../../extension/series/series.ts';
import { slice } from '../../extension/series/slice.ts';
import { Smoothed } from '../../extension/series/smooth.ts';

/** A series and, beside it, what it should hold. */
function randomSeries(random: Random, length: number): { series: Series; points: [number, number][] } {
  const series = new Series();
  let points: [number, number][] = [];
  let step = 0;
  for (let i = 0; i < length; i++) {
    // Now and then a run goes back.
    if (random.chance(0.01)) step = Math.max(1, step - random.integer(0, 60));
    else step += random.integer(1, 3);
    const value = random.chance(0.05) ? [NaN, Infinity, -Infinity][random.integer(0, 2)]! : random.normal();
    points = points.filter(([earlier]) => earlier < step);
    points.push([step, value]);
    series.append(step, value);
  }
  return { series, points };
}

test('the lowest and highest of any stretch are those that looking at every point finds, also after points were taken back', () => {
  for (let round = 0; round < 60; round++) {
    const random = new Random(3, round);
    const { series, points } = randomSeries(random, random.integer(1, 3000));
    expect(series.length).toBe(points.length);
    expect(Array.from(series.steps.subarray(0, series.length))).toEqual(points.map(([step]) => step));
    expect(Array.from(series.nonFinite.subarray(0, series.nonFiniteCount))).toEqual(points.flatMap(([, value], i) => (Number.isFinite(value) ? [] : [i])));
    for (let k = 0; k < 50; k++) {
      const from = random.integer(0, series.length), to = random.integer(from, series.length);
      let low = -1, high = -1;
      for (let i = from; i < to; i++) {
        const value = points[i]![1];
        if (!Number.isFinite(value)) continue;
        if (low < 0 || value < points[low]![1]) low = i;
        if (high < 0 || value > points[high]![1]) high = i;
      }
      expect(series.extremes(from, to)).toEqual([low, high]);
    }
  }
});

test('a spike of one point is drawn at every zoom that holds it', () => {
  const series = new Series(), length = 1_000_000, spike = 765_432;
  for (let i = 0; i < length; i++) series.append(i, i === spike ? 50 : i % 7);
  for (let width = length; width > 2; width /= 1.7) {
    const min = Math.max(0, spike - width * 0.37), max = min + width;
    const { x, y } = slice(series, series.steps, min, max, 400, null);
    const at = Array.from(y).indexOf(50);
    expect([x[at], x.length <= 2 * 400 + 2]).toEqual([spike, true]);
  }
});

test('what is drawn is the lowest and highest of each column, or every point', () => {
  for (let round = 0; round < 40; round++) {
    const random = new Random(4, round);
    const { series, points } = randomSeries(random, 2000);
    const last = points.at(-1)![0], min = random.uniform(0, last / 2), max = random.uniform(min + 1, last), columns = random.integer(3, 900);
    const { x, y, nonFiniteX } = slice(series, series.steps, min, max, columns, null);
    const inside = points.filter(([step]) => step >= min && step <= max);
    const drawn = Array.from(x, (step, i): [number, number] => [step, y[i]!]).filter(([step]) => step >= min && step <= max);
    expect(Array.from(x)).toEqual(Array.from(x).sort((a, b) => a - b));
    if (inside.length <= 2 * columns) {
      expect(drawn).toEqual(inside.map(([step, value]) => [step, Number.isFinite(value) ? value : NaN]));
      continue;
    }
    const columnOf = (step: number): number => Math.min(columns - 1, Math.floor(((step - min) / (max - min)) * columns));
    for (let c = 0; c < columns; c++) {
      const own = inside.filter(([step]) => columnOf(step) === c).map(([, value]) => value), shown = drawn.filter(([step]) => columnOf(step) === c).map(([, value]) => value);
      const finite = own.filter(Number.isFinite);
      if (own.length === 0) expect(shown).toEqual([]);
      else if (finite.length === 0) expect(shown).toEqual([NaN]);
      else expect([Math.min(...shown), Math.max(...shown), shown.length <= 2]).toEqual([Math.min(...finite), Math.max(...finite), true]);
      expect(Array.from(nonFiniteX).filter((step) => columnOf(step) === c).length).toBe(own.length > finite.length ? 1 : 0);
    }
  }
});

describe('smoothing', () => {
  test('is the weighted mean of all finite points so far', () => {
    const random = new Random(5), weight = 0.8;
    const { series, points } = randomSeries(random, 300);
    const smoothed = new Smoothed(series, weight).update();
    for (let i = 0; i < points.length; i++) {
      const finite = points.slice(0, i + 1).map(([, value]) => value).filter(Number.isFinite);
      let sum = 0, weights = 0;
      finite.forEach((value, k) => {
        sum += weight ** (finite.length - 1 - k) * value;
        weights += weight ** (finite.length - 1 - k);
      });
      if (weights === 0) expect(smoothed[i]).toBeNaN();
      else expect(smoothed[i]).toBeCloseTo(sum / weights, 10);
    }
  });

  test('goes on as the series grows, and begins again when it is taken back', () => {
    const series = new Series();
    const smoothed = new Smoothed(series, 0.9);
    for (let step = 1; step <= 500; step++) {
      series.append(step === 300 ? 100 : step, Math.sin(step));
      if (step % 7 === 0) smoothed.update();
    }
    expect(Array.from(smoothed.update().subarray(0, series.length))).toEqual(Array.from(new Smoothed(series, 0.9).update().subarray(0, series.length)));
  });

  test('looks back over the same stretch in every series of a run, and leaves alone what has only a few points in it', () => {
    const run = new RunSeries();
    const loss = run.series('loss')!, rate = run.series('rate')!, knn = run.series('eval_knn_top1')!, epochs = run.series('val/accuracy')!;
    for (let step = 0; step <= 2000; step++) {
      if (step > 0) loss.append(step, Math.sin(step));
      if (step % 8 === 0) rate.append(step, Math.cos(step));
      if (step % 200 === 0) knn.append(step, step / 2000);
      // Some loggers count these in epochs: what counts is how many there are.
      if (step % 200 === 0) epochs.append(step / 200, step);
    }
    const by = (series: Series, weight: number): number[] => Array.from(new Smoothed(series, weight).update().subarray(0, series.length));
    expect(Array.from(run.smoothed(loss, 0.95)!.subarray(0, loss.length))).toEqual(by(loss, 0.95));
    expect(Array.from(run.smoothed(rate, 0.95)!.subarray(0, rate.length))).toEqual(by(rate, 0.95 ** 8));
    expect(run.smoothed(rate, 0.5)).toBeNull();
    expect([0.5, 0.95, 0.99].map((weight) => [run.smoothed(knn, weight), run.smoothed(epochs, weight)])).toEqual(Array(3).fill([null, null]));
    // A short run is smoothed as it is asked for: nothing in it is sparse.
    const short = new RunSeries();
    for (let step = 1; step <= 10; step++) short.series('loss')!.append(step, step);
    expect(Array.from(short.smoothed(short.series('loss')!, 0.9)!.subarray(0, 10))).toEqual(by(short.series('loss')!, 0.9));
  });
});

test('positions on another axis never fall, and do not depend on when they were asked for', () => {
  for (let round = 0; round < 20; round++) {
    const random = new Random(6, round);
    const series = new Series(), epochs = new Series();
    const column = new AxisColumn(series, epochs);
    for (let step = 1; step < 400; step++) {
      if (random.chance(0.7)) series.append(step, step);
      if (random.chance(0.5)) epochs.append(step, step / 50);
      if (random.chance(0.1)) column.update();
    }
    const found = Array.from(column.update().subarray(0, series.length));
    expect(found).toEqual(Array.from(new AxisColumn(series, epochs).update().subarray(0, series.length)));
    expect(found).toEqual([...found].sort((a, b) => a - b));
    // Where there is a record at or before the point's step, its position is the record's.
    for (let i = 0; i < series.length; i++) {
      const at = epochs.lowerBound(epochs.steps, series.steps[i]! + 0.5) - 1;
      if (at >= 0) expect(found[i]).toBe(epochs.values[at]);
    }
  }
});
