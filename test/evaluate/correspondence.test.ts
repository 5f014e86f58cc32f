/** Patch matches and their score against plain restatements, on crops of the kind that training draws. */
import { describe, expect, it } from 'vitest';
import { matchPatches as truePatches, type Crop } from '../../backend/augment/geometry.ts';
import { addPck, centredFeatures, matchPatches, pck, pckRates, trueMatches } from '../../backend/evaluate/correspondence.ts';
import { Random } from '../../backend/random.ts';

const random = new Random(17);
const table = (count: number, dimension: number): Float32Array => Float32Array.from({ length: count * dimension }, () => random.normal());
const drawCrop = (): Crop => {
  const [imageWidth, imageHeight] = [200, 150];
  const [width, height] = [random.integer(40, 190), random.integer(40, 140)];
  return { top: random.integer(0, imageHeight - height), left: random.integer(0, imageWidth - width), height, width, flipped: random.chance(0.5), imageWidth, imageHeight };
};

describe('matchPatches', () => {
  it('agrees with brute force', () => {
    const [n, d] = [16, 5];
    const [a, b] = [table(n, d), table(n, d)];
    const cosine = (i: number, j: number): number => {
      const [x, y] = [Array.from(b.slice(i * d, i * d + d)), Array.from(a.slice(j * d, j * d + d))];
      return x.reduce((s, v, k) => s + v * y[k]!, 0) / Math.hypot(...x) / Math.hypot(...y);
    };
    const matches = matchPatches(a, b, n, d);
    const argmax = (values: number[]): number => values.indexOf(Math.max(...values));
    const columns = Array.from({ length: n }, (_, j) => j);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) expect(matches.similarity[i * n + j]).toBeCloseTo(cosine(i, j), 5);
      const best = argmax(columns.map((j) => cosine(i, j)));
      expect(matches.best[i]).toBe(best);
      expect(matches.mutual[i]).toBe(argmax(columns.map((k) => cosine(k, best))) === i ? 1 : 0);
    }
  });

  it('takes off what a feature says of its place alone', () => {
    const [n, d, images] = [9, 12, 200];
    const place = table(n, d).map((v) => 5 * v);
    const content = table(n, d);
    const order = random.permutation(n);
    const shuffled = Float32Array.from({ length: n * d }, (_, i) => content[order[Math.floor(i / d)]! * d + (i % d)]!);
    const background = Float32Array.from({ length: images * n * d }, (_, i) => place[i % (n * d)]! + random.normal());
    const [a, b] = [content, shuffled].map((t) => t.map((v, i) => v + place[i]!)) as [Float32Array, Float32Array];
    const centred = centredFeatures(Float32Array.from([...a, ...b, ...background]), n, d);
    expect(Array.from(matchPatches(a, b, n, d).best)).toEqual(Array.from({ length: n }, (_, i) => i));
    expect(Array.from(matchPatches(centred.slice(0, n * d), centred.slice(n * d, 2 * n * d), n, d).best)).toEqual(Array.from(order));
  });

  it('refuses features of another size or that are not finite', () => {
    expect(() => matchPatches(table(4, 3), table(4, 2), 4, 3)).toThrow(/view b must be 4 rows of 3, not 8 values/);
    expect(() => matchPatches(table(4, 3).fill(Infinity), table(4, 3), 4, 3)).toThrow(/view a .* not finite/);
  });
});

describe('trueMatches and pck', () => {
  it('name the same patches as the geometry of crops', () => {
    for (let trial = 0; trial < 50; trial++) {
      const [a, b] = [drawCrop(), drawCrop()];
      const truth = trueMatches(a, b, 7);
      const patches = truePatches(b, a, 7);
      patches.forEach((patch, i) => {
        if (patch === -1) expect(truth[i * 2]).toBeNaN();
        else expect(Math.min(6, Math.floor(truth[i * 2]!)) * 7 + Math.min(6, Math.floor(truth[i * 2 + 1]!))).toBe(patch);
      });
    }
  });

  it('find features of the image itself across flipped and scaled crops', () => {
    // A feature that is the position in the unflipped image: the nearest feature is the true match.
    const grid = 6;
    const position = (crop: Crop): Float32Array => Float32Array.from({ length: grid * grid * 3 }, (_, i) => {
      const patch = Math.floor(i / 3);
      const y = crop.top + ((Math.floor(patch / grid) + 0.5) / grid) * crop.height;
      const x = crop.left + (((patch % grid) + 0.5) / grid) * crop.width;
      // On a sphere, so that equal directions are equal places.
      return [x, crop.imageWidth - x, y][i % 3 === 2 ? 2 : (i % 3 === 1) !== crop.flipped ? 1 : 0]! - [100, 100, 75][i % 3]! + (i % 3 === 1 ? 300 : 0);
    });
    const all = Array.from({ length: 40 }, () => {
      const [a, b] = [drawCrop(), drawCrop()];
      return pck(matchPatches(position(a), position(b), grid * grid, 3).best, trueMatches(a, b, grid), grid);
    });
    const { rates, chance } = pckRates(addPck(all));
    expect(rates[1]).toBeGreaterThan(0.95);
    expect(chance[1]).toBeLessThan(0.25);
  });

  it('count within thresholds as plain counting does, and chance as the mean over all matches', () => {
    const grid = 5;
    const truth = trueMatches(drawCrop(), drawCrop(), grid);
    const thresholds = [0, 1, 2];
    const cells = grid * grid;
    const totals = thresholds.map(() => 0);
    for (let everywhere = 0; everywhere < cells; everywhere++) {
      const counts = pck(new Int32Array(cells).fill(everywhere), truth, grid, thresholds);
      let expected = 0;
      for (let patch = 0; patch < cells; patch++) {
        if (Number.isNaN(truth[patch * 2])) continue;
        if (Math.abs(Math.floor(truth[patch * 2]!) - Math.floor(everywhere / grid)) <= 1 && Math.abs(Math.floor(truth[patch * 2 + 1]!) - (everywhere % grid)) <= 1) expected++;
      }
      expect(counts.correct[1]).toBe(expected);
      counts.correct.forEach((n, t) => { totals[t]! += n / cells; });
    }
    const { byChance, total } = pck(new Int32Array(cells), truth, grid, thresholds);
    expect(total).toBeGreaterThan(0);
    totals.forEach((expected, t) => expect(byChance[t]).toBeCloseTo(expected, 9));
  });

  it('measures the mean error from the middle of the matched patch', () => {
    const truth = Float32Array.from([0.5, 0.5, NaN, NaN, 1.5, 0.5, 1.25, 1.5]);
    expect(pckRates(pck(Int32Array.from([0, 0, 0, 3]), truth, 2)).meanError).toBeCloseTo((0 + 1 + 0.25) / 3, 6);
    expect(pckRates(pck(new Int32Array(4), new Float32Array(8).fill(NaN), 2))).toEqual({ rates: [0, 0, 0], chance: [0, 0, 0], meanError: 0 });
  });
});
