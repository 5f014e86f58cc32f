/** k-nearest-neighbour classification against a plain restatement of it, and against known answers. */
import { describe, expect, it } from 'vitest';
import { RunError } from '../../backend/errors.ts';
import { classifyByNeighbours } from '../../backend/evaluate/knn.ts';
import { wilson } from '../../backend/evaluate/rates.ts';
import { Random } from '../../backend/random.ts';

const random = new Random(41);
const table = (count: number, dimension: number): Float32Array => Float32Array.from({ length: count * dimension }, () => random.normal());

/** All cosines, sorted; votes of the first k; the class with most votes. In doubles, with nothing shared with the code under test. */
function bruteForce(train: Float32Array, labels: Int32Array, test: Float32Array, dimension: number, classes: number, k: number): { predictions: number[]; ranking: number[][]; order: number[][] } {
  const row = (t: Float32Array, i: number): number[] => Array.from(t.slice(i * dimension, (i + 1) * dimension));
  const cosine = (a: number[], b: number[]): number => a.reduce((s, v, i) => s + v * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  const order: number[][] = [];
  const ranking = Array.from({ length: test.length / dimension }, (_, i) => {
    const all = Array.from(labels, (label, j) => ({ label, j, c: cosine(row(test, i), row(train, j)) })).sort((a, b) => b.c - a.c);
    order.push(all.slice(0, 5).map((n) => n.j));
    const votes = Array.from({ length: classes }, (_, c) => ({ c, v: all.slice(0, k).filter((n) => n.label === c).reduce((s, n) => s + Math.exp(n.c / 0.07), 0) }));
    return votes.filter((v) => v.v > 0).sort((a, b) => b.v - a.v).map((v) => v.c);
  });
  return { predictions: ranking.map((r) => r[0]!), ranking, order };
}

describe('classifyByNeighbours', () => {
  it.each([1, 5, 20])('agrees with brute force at k = %i', (k) => {
    const [dimension, classes] = [7, 8];
    const [train, test] = [table(60, dimension), table(25, dimension)];
    const labels = Int32Array.from({ length: 60 }, () => random.integer(0, classes - 1));
    const truth = Int32Array.from({ length: 25 }, () => random.integer(0, classes - 1));
    const expected = bruteForce(train, labels, test, dimension, classes, k);
    const result = classifyByNeighbours({ features: train, labels }, { features: test, labels: truth }, { dimension, classes, k: [k] });
    const score = result.scores[0]!;
    expect(Array.from(score.predictions)).toEqual(expected.predictions);
    expect(score.top1.count).toBe(expected.predictions.filter((p, i) => p === truth[i]).length);
    expect(score.top5.count).toBe(expected.ranking.filter((r, i) => r.slice(0, 5).includes(truth[i]!)).length);
    expect(Array.from(result.neighbours.indices)).toEqual(expected.order.flat());
    expect(score.perClass.reduce((sum, c) => sum + c.tested, 0)).toBe(25);
    expect(score.perClass.reduce((sum, c) => sum + c.correct, 0)).toBe(score.top1.count);
  });

  it('gives one set of sizes the same scores as each size alone, and takes all where k is more than there are', () => {
    const train = { features: table(30, 5), labels: Int32Array.from({ length: 30 }, (_, i) => i % 3) };
    const test = { features: table(40, 5), labels: Int32Array.from({ length: 40 }, (_, i) => i % 3) };
    const together = classifyByNeighbours(train, test, { dimension: 5, classes: 3, k: [20, 3, 200] });
    expect(together.scores.map((s) => s.k)).toEqual([3, 20, 30]);
    for (const score of together.scores) expect(classifyByNeighbours(train, test, { dimension: 5, classes: 3, k: [score.k] }).scores[0]).toEqual(score);
  });

  it('finds each point among its own, whatever the length of the vectors', () => {
    const features = table(20, 6);
    const labels = Int32Array.from({ length: 20 }, (_, i) => i);
    const result = classifyByNeighbours({ features, labels }, { features: features.map((v, i) => v * (1 + Math.floor(i / 6))), labels }, { dimension: 6, classes: 20, k: [1] });
    expect(result.scores[0]!.top1.value).toBe(1);
    expect(Array.from(result.neighbours.cosines).filter((_, i) => i % 5 === 0).every((c) => Math.abs(c - 1) < 1e-5)).toBe(true);
  });

  it('is near chance on features that know nothing: the interval holds 1 / classes', () => {
    const set = (count: number) => ({ features: table(count, 16), labels: Int32Array.from({ length: count }, () => random.integer(0, 3)) });
    const { top1 } = classifyByNeighbours(set(300), set(400), { dimension: 16, classes: 4, k: [20] }).scores[0]!;
    expect(top1.low).toBeLessThan(0.25);
    expect(top1.high).toBeGreaterThan(0.25);
  });

  it('answers for collapsed features and refuses ones that are not finite', () => {
    const labels = Int32Array.from([0, 1, 1]);
    const zero = classifyByNeighbours({ features: new Float32Array(6), labels }, { features: new Float32Array(6), labels }, { dimension: 2, classes: 2, k: [3] });
    expect(Array.from(zero.scores[0]!.predictions)).toEqual([1, 1, 1]);
    const broken = Float32Array.from([1, 2, NaN, 4, 5, 6]);
    expect(() => classifyByNeighbours({ features: broken, labels }, { features: broken, labels }, { dimension: 2, classes: 2 })).toThrow(/Row 1 .* not finite/);
    expect(() => classifyByNeighbours({ features: new Float32Array(6), labels }, { features: new Float32Array(6), labels }, { dimension: 2, classes: 1 })).toThrow(RunError);
    expect(() => classifyByNeighbours({ features: new Float32Array(4), labels }, { features: new Float32Array(6), labels }, { dimension: 2, classes: 2 })).toThrow(/2 rows of features and 3 labels/);
  });
});

describe('wilson', () => {
  it('is the root of the score equation', () => {
    for (const [count, total] of [[1, 10], [7, 9], [50, 100], [399, 400]] as const) {
      const { low, high } = wilson(count, total);
      for (const p of [low, high]) expect(Math.abs(count / total - p) / Math.sqrt((p * (1 - p)) / total)).toBeCloseTo(1.959964, 5);
    }
  });
  it('stays within 0 and 1 at the ends', () => {
    expect(wilson(0, 10)).toMatchObject({ value: 0, low: 0 });
    expect(wilson(0, 10).high).toBeCloseTo(0.2775, 4);
    expect(wilson(10, 10)).toMatchObject({ value: 1, high: 1 });
    expect(wilson(0, 0)).toMatchObject({ value: 0, low: 0, high: 1 });
  });
});
