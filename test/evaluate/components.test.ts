/** Spread, effective rank and principal directions against Jacobi's method, identities and known spectra. */
import { describe, expect, it } from 'vitest';
import { componentColours, effectiveRank, featureStd, principalDirections } from '../../backend/evaluate/components.ts';
import { symmetricEigenvalues } from '../../backend/evaluate/spectrum.ts';
import { Random } from '../../backend/random.ts';

const random = new Random(23);
const table = (count: number, dimension: number, scales?: number[]): Float32Array => Float32Array.from({ length: count * dimension }, (_, i) => random.normal() * (scales?.[i % dimension] ?? 1));

/** Cyclic Jacobi rotations: slow, and shares nothing with the method under test. */
function jacobi(matrix: Float64Array, n: number): number[] {
  const a = Float64Array.from(matrix);
  for (let sweep = 0; sweep < 60; sweep++)
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q]!) < 1e-300) continue;
        const angle = 0.5 * Math.atan2(2 * a[p * n + q]!, a[p * n + p]! - a[q * n + q]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) [a[k * n + p], a[k * n + q]] = [c * a[k * n + p]! + s * a[k * n + q]!, c * a[k * n + q]! - s * a[k * n + p]!];
        for (let k = 0; k < n; k++) [a[p * n + k], a[q * n + k]] = [c * a[p * n + k]! + s * a[q * n + k]!, c * a[q * n + k]! - s * a[p * n + k]!];
      }
  return Array.from({ length: n }, (_, i) => a[i * n + i]!).sort((x, y) => y - x);
}

const covariance = (features: Float32Array, d: number): Float64Array => {
  const n = features.length / d;
  const mean = Array.from({ length: d }, (_, i) => Array.from({ length: n }, (_, r) => features[r * d + i]!).reduce((s, v) => s + v, 0) / n);
  return Float64Array.from({ length: d * d }, (_, at) => Array.from({ length: n }, (_, r) => (features[r * d + Math.floor(at / d)]! - mean[Math.floor(at / d)]!) * (features[r * d + (at % d)]! - mean[at % d]!)).reduce((s, v) => s + v, 0) / n);
};

describe('symmetricEigenvalues', () => {
  it.each([1, 2, 3, 10, 33])('agrees with Jacobi for order %i', (n) => {
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
    const expected = jacobi(a, n);
    Array.from(symmetricEigenvalues(a, n)).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9));
  });
  it.each([['diagonal', [3, 0, 0, 0, 2, 0, 0, 0, -1], [3, 2, -1]], ['zero', [0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0]], ['of rank one', [1, 1, 1, 1, 1, 1, 1, 1, 1], [3, 0, 0]], ['tridiagonal with equal ends', [0, 1, 0, 1, 0, 1, 0, 1, 0], [Math.SQRT2, 0, -Math.SQRT2]]])('knows a matrix that is %s', (_, matrix, expected) => {
    Array.from(symmetricEigenvalues(Float64Array.from(matrix), 3)).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
  });
});

describe('effectiveRank', () => {
  it.each([[40, 6], [5, 12]])('agrees with the entropy of Jacobi\'s spectrum for %i rows of %i', (n, d) => {
    const features = table(n, d, [3, 1, 0.2]);
    const singular = jacobi(covariance(features, d), d).map((v) => (v > 1e-10 ? Math.sqrt(v) : 0));
    const sum = singular.reduce((s, v) => s + v, 0);
    const entropy = -singular.reduce((s, v) => (v > 0 ? s + (v / sum) * Math.log(v / sum) : s), 0);
    expect(effectiveRank(features, d)).toBeCloseTo(Math.exp(entropy), 4);
  });
  it('is 0 for equal features, 1 on a line, and near the dimension when spread evenly', () => {
    expect(effectiveRank(new Float32Array(50).fill(2), 5)).toBe(0);
    expect(effectiveRank(Float32Array.from({ length: 60 }, (_, i) => [1, 2, -3][i % 3]! * Math.sin(Math.floor(i / 3))), 3)).toBeCloseTo(1, 3);
    expect(effectiveRank(table(3000, 16), 16)).toBeGreaterThan(15.9);
  });
  it('takes features as wide as a large model\'s in good time', () => {
    const start = performance.now();
    expect(effectiveRank(table(500, 768), 768)).toBeGreaterThan(300);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('featureStd', () => {
  it('is the root of the mean variance over dimensions', () => {
    const features = table(30, 4, [1, 2, 3, 0]);
    const c = covariance(features, 4);
    expect(featureStd(features, 4)).toBeCloseTo(Math.sqrt((c[0]! + c[5]! + c[10]! + c[15]!) / 4), 5);
    expect(featureStd(new Float32Array(12).fill(7), 4)).toBe(0);
  });
});

describe('principalDirections and componentColours', () => {
  it('are eigenvectors of the covariance, of falling eigenvalue, at right angles', () => {
    const d = 8;
    const features = table(200, d, [5, 4, 3, 1, 1, 1, 1, 1]);
    const c = covariance(features, d);
    const expected = jacobi(c, d);
    const directions = principalDirections(features, d, 3);
    for (let k = 0; k < 3; k++) {
      const v = Array.from(directions.subarray(k * d, (k + 1) * d));
      expect(Math.hypot(...v)).toBeCloseTo(1, 9);
      for (let i = 0; i < d; i++) expect(v.reduce((s, x, j) => s + c[i * d + j]! * x, 0)).toBeCloseTo(expected[k]! * v[i]!, 3);
      expect(Math.max(...v)).toBe(Math.max(...v.map(Math.abs)));
    }
  });
  it('fill missing directions with zeros', () => {
    const line = Float32Array.from({ length: 40 }, (_, i) => (i % 2 ? 2 : 1) * Math.floor(i / 2));
    const directions = principalDirections(line, 2, 2);
    expect(directions[0]! / directions[1]!).toBeCloseTo(0.5, 6);
    expect(Array.from(principalDirections(new Float32Array(10), 2, 2))).toEqual([0, 0, 0, 0]);
  });
  it('give like features like colours in both views, over the whole scale', () => {
    const d = 6;
    const a = table(64, d, [4, 3, 2, 0.1, 0.1, 0.1]);
    const order = random.permutation(64);
    const b = Float32Array.from(a, (_, i) => a[order[Math.floor(i / d)]! * d + (i % d)]!);
    const [first, second] = componentColours([a, b], d) as [Uint8Array, Uint8Array];
    order.forEach((from, to) => expect(Array.from(second.subarray(to * 3, to * 3 + 3))).toEqual(Array.from(first.subarray(from * 3, from * 3 + 3))));
    for (let c = 0; c < 3; c++) {
      const channel = Array.from(first).filter((_, i) => i % 3 === c);
      expect([Math.min(...channel), Math.max(...channel)]).toEqual([0, 255]);
    }
    expect(Array.from(componentColours([new Float32Array(6)], 3)[0]!)).toEqual([128, 128, 128, 128, 128, 128]);
  });
});
