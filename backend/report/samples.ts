/** Turns what an evaluation measured into the parts of a report. */
import { trueMatches, matchPatches, pckRates, type PckCounts } from '../evaluate/correspondence.ts';
import { componentColours } from '../evaluate/components.ts';
import type { KnnScore } from '../evaluate/knn.ts';
import type { Rate } from '../evaluate/rates.ts';
import type { Estimate, MatchMap, Measure, PairSample } from './data.ts';

/** Patch features of both views of a pair, each [grid * grid, dimension]. */
export interface PairFeatures {
  a: Float32Array;
  b: Float32Array;
}

function matchMap(features: PairFeatures, grid: number, dimension: number): MatchMap {
  const { similarity, best } = matchPatches(features.a, features.b, grid * grid, dimension);
  const [a, b] = componentColours([features.a, features.b], dimension);
  return { similarity, best, colours: { a: a!, b: b! } };
}

/** A pair of views with its matches before and after training. */
export function pairSample(pair: Pick<PairSample, 'file' | 'image' | 'a' | 'b' | 'grid'>, dimension: number, before: PairFeatures, after: PairFeatures): PairSample {
  const { a, b, grid } = pair;
  return { ...pair, truth: trueMatches(a.crop, b.crop, grid), before: matchMap(before, grid, dimension), after: matchMap(after, grid, dimension) };
}

const estimate = (rate: Rate): Estimate => ({ value: rate.value, interval: [rate.low, rate.high] });

/** The measures of correspondence: one for each threshold that was counted. Patches of an image are not independent trials, so there is no interval. */
export function pckMeasures(before: PckCounts | null, after: PckCounts): Measure[] {
  const afterRates = pckRates(after);
  const beforeRates = before ? pckRates(before) : null;
  return after.thresholds.map((threshold, t) => {
    const reach = threshold === 0 ? 'on the very patch' : `within ${threshold === 1 ? 'one patch' : `${threshold} patches`} of it`;
    return {
      name: threshold === 0 ? 'Right patch (PCK@0)' : `Within ${threshold === 1 ? 'one patch' : `${threshold} patches`} (PCK@${threshold})`,
      explanation: `Of the patches of one view whose true place lies in the other view too, the share whose most similar patch there is ${reach}.`,
      kind: 'share' as const,
      better: 'higher' as const,
      before: beforeRates ? { value: beforeRates.rates[t]! } : null,
      after: { value: afterRates.rates[t]! },
      chance: afterRates.chance[t]!,
      ...(threshold === 1 ? { claim: 'places a patch of one view within one patch of its true spot in the other' } : {}),
    };
  });
}

/** The measure of k-nearest-neighbour classification, with `chance` the share of the largest class among the test images. */
export function knnMeasure(before: KnnScore | null, after: KnnScore): Measure {
  const largest = Math.max(...after.perClass.map((c) => c.tested));
  return {
    name: `Class by ${after.k} neighbours (k-NN top-1)`,
    explanation: `Each test image is given the class that most of its ${after.k} nearest training images have, weighted by likeness. Class names are used only for this count.`,
    kind: 'share',
    better: 'higher',
    before: before ? estimate(before.top1) : null,
    after: estimate(after.top1),
    chance: largest / after.top1.total,
    claim: 'names the class of an unseen image from its nearest neighbours',
  };
}
