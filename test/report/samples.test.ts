/** From an evaluation's results to the report's rows: values, chance and wording agree with what was measured. */
import { describe, expect, it } from 'vitest';
import { trueMatches } from '../../backend/evaluate/correspondence.ts';
import { classifyByNeighbours } from '../../backend/evaluate/knn.ts';
import { Random } from '../../backend/random.ts';
import { knnMeasure, pairSample, pckMeasures } from '../../backend/report/index.ts';

const crop = { top: 0, left: 0, height: 40, width: 40, flipped: false, imageWidth: 40, imageHeight: 40 };

describe('pckMeasures', () => {
  const counts = (correct: number[]) => ({ thresholds: [0, 1, 2], total: 200, correct, byChance: [2, 18, 50], errorSum: 0 });
  it('gives a row for each threshold, and one claim', () => {
    const rows = pckMeasures(counts([10, 40, 80]), counts([60, 120, 150]));
    expect(rows.map((r) => [r.before?.value, r.after.value, r.chance])).toEqual([[0.05, 0.3, 0.01], [0.2, 0.6, 0.09], [0.4, 0.75, 0.25]]);
    expect(rows.filter((r) => r.claim)).toHaveLength(1);
    expect(pckMeasures(null, counts([1, 2, 3]))[0]!.before).toBeNull();
  });
});

describe('knnMeasure', () => {
  it('takes the largest class for chance, and keeps the interval', () => {
    const set = { features: Float32Array.from({ length: 12 }, (_, i) => i + 1), labels: Int32Array.from([0, 0, 0, 1]) };
    const score = classifyByNeighbours(set, set, { dimension: 3, classes: 2, k: [1] }).scores[0]!;
    expect(knnMeasure(null, score)).toMatchObject({ chance: 0.75, before: null, after: { value: 1, interval: [score.top1.low, 1] } });
  });
});

describe('pairSample', () => {
  it('matches, knows the truth and colours both views on one scale', () => {
    const random = new Random(3);
    const [grid, dimension] = [4, 6];
    const image = { width: 1, height: 1, pixels: new Uint8Array(3) };
    const features = Float32Array.from({ length: grid * grid * dimension }, () => random.normal());
    const same = { a: features, b: features };
    const pair = pairSample({ file: 'x', image, a: { image, crop }, b: { image, crop }, grid }, dimension, same, { a: features.map((v) => 9 * v), b: features.map((v) => 9 * v) });
    expect(pair.truth).toEqual(trueMatches(crop, crop, grid));
    expect(Array.from(pair.before.best)).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(pair.after.best).toEqual(pair.before.best);
    expect(pair.before.colours.a).toEqual(pair.before.colours.b);
    expect(Math.max(...pair.after.colours.a.map((v, i) => Math.abs(v - pair.before.colours.a[i]!)))).toBeLessThanOrEqual(1);
  });
});
