/** Which patch of one view a model takes for which patch of the other, and how often that is true: both views are crops of one image, so the truth is known. */
import { mapPoint, type Crop } from '../augment/geometry.ts';
import { RunError } from '../errors.ts';
import { dotRows, normalizeRows, rowCount } from './vectors.ts';

export interface PatchMatches {
  /** Patches of view a. */
  patches: number;
  /** [patches of b, patches of a]: the cosine of patch `row` of view b and patch `column` of view a. */
  similarity: Float32Array;
  /** [patches of b]: for each patch of view b the most similar patch of view a; of equals the first. */
  best: Int32Array;
  /** [patches of a]: for each patch of view a the most similar patch of view b; of equals the first. */
  bestOfA: Int32Array;
  /** [patches of b]: 1 where that patch of view a has this patch of view b as its own most similar one. */
  mutual: Uint8Array;
}

/** The mean feature of each position: features [images, patches, dimension] to [patches, dimension]. */
export function positionMeans(features: Float32Array, patches: number, dimension: number): Float32Array {
  const images = rowCount(features, patches * dimension, 'patch features');
  const mean = new Float64Array(patches * dimension);
  for (let i = 0; i < features.length; i++) mean[i % mean.length]! += features[i]! / images;
  return Float32Array.from(mean);
}

/**
 * Features [images, patches, dimension] without the mean of each position over the images, and then without each image's own mean:
 * what is left tells the patches of one image apart by what they show, not by where they lie or which image they are of.
 */
export function centredFeatures(features: Float32Array, patches: number, dimension: number): Float32Array {
  const means = positionMeans(features, patches, dimension);
  const size = patches * dimension;
  const centred = features.map((v, i) => v - means[i % size]!);
  for (let image = 0; image < centred.length; image += size)
    for (let d = 0; d < dimension; d++) {
      let sum = 0;
      for (let p = 0; p < patches; p++) sum += centred[image + p * dimension + d]!;
      for (let p = 0; p < patches; p++) centred[image + p * dimension + d]! -= sum / patches;
    }
  return centred;
}

/** Matches every patch of view b to view a by the cosine of their features, each [patches, dimension]; the views may have different numbers of them. Throws RunError for features of other sizes or values that are not finite. */
export function matchPatches(featuresA: Float32Array, featuresB: Float32Array, patches: number, dimension: number, patchesB = patches): PatchMatches {
  const prepare = (features: Float32Array, view: string, rows: number): Float32Array => {
    if (features.length !== rows * dimension) throw new RunError(`The patch features of view ${view} must be ${rows} rows of ${dimension}, not ${features.length} values.`);
    return normalizeRows(features, dimension, `patch features of view ${view}`);
  };
  const a = prepare(featuresA, 'a', patches);
  const b = prepare(featuresB, 'b', patchesB);
  const similarity = new Float32Array(patchesB * patches);
  const best = new Int32Array(patchesB);
  const bestOfA = new Int32Array(patches);
  for (let row = 0; row < patchesB; row++)
    for (let column = 0; column < patches; column++) {
      const at = row * patches + column;
      similarity[at] = dotRows(b, row, a, column, dimension);
      if (similarity[at] > similarity[row * patches + best[row]!]!) best[row] = column;
      if (similarity[at] > similarity[bestOfA[column]! * patches + column]!) bestOfA[column] = row;
    }
  return { patches, similarity, best, bestOfA, mutual: Uint8Array.from(best, (column, row) => (bestOfA[column] === row ? 1 : 0)) };
}

/**
 * Where the centre of each patch of view b lies in view a, in patches of a's grid (row, column; 0.5 is the middle of the first
 * patch), [gridB * gridB, 2]; NaN where view a does not hold that point. View a has grid x grid patches, view b gridB x gridB.
 */
export function trueMatches(a: Crop, b: Crop, grid: number, gridB = grid): Float32Array {
  const result = new Float32Array(gridB * gridB * 2);
  for (let patch = 0; patch < gridB * gridB; patch++) {
    const { row, column } = mapPoint(b, a, { row: (Math.floor(patch / gridB) + 0.5) / gridB, column: ((patch % gridB) + 0.5) / gridB });
    const inside = row >= 0 && row < 1 && column >= 0 && column < 1;
    result[patch * 2] = inside ? row * grid : NaN;
    result[patch * 2 + 1] = inside ? column * grid : NaN;
  }
  return result;
}

/** Correct matches within each threshold, summed over any number of image pairs. */
export interface PckCounts {
  /** In patches; 0 is the very patch, 1 also its eight neighbours, 2 also the sixteen around these. */
  thresholds: number[];
  /** Patches with a true match. */
  total: number;
  /** [thresholds]: matches no further than the threshold from the patch that holds the true point. */
  correct: number[];
  /** [thresholds]: how many a match drawn evenly from all patches would get on average. */
  byChance: number[];
  /** Sum of the distances between true point and matched patch's centre, in patches. */
  errorSum: number;
}

const clampedSpan = (centre: number, radius: number, grid: number): number => Math.min(grid - 1, centre + radius) - Math.max(0, centre - radius) + 1;

/** Counts correct matches of one pair into a view of grid x grid patches: `best` as of `matchPatches`, `truth` as of `trueMatches`, of as many patches. */
export function pck(best: Int32Array, truth: Float32Array, grid: number, thresholds: readonly number[] = [0, 1, 2]): PckCounts {
  const counts: PckCounts = { thresholds: [...thresholds], total: 0, correct: thresholds.map(() => 0), byChance: thresholds.map(() => 0), errorSum: 0 };
  for (let patch = 0; patch < best.length; patch++) {
    const row = truth[patch * 2]!;
    const column = truth[patch * 2 + 1]!;
    if (Number.isNaN(row)) continue;
    // A point a hair before the far edge may round up to it in 32 bits.
    const trueRow = Math.min(Math.floor(row), grid - 1);
    const trueColumn = Math.min(Math.floor(column), grid - 1);
    const [matchedRow, matchedColumn] = [Math.floor(best[patch]! / grid), best[patch]! % grid];
    const distance = Math.max(Math.abs(matchedRow - trueRow), Math.abs(matchedColumn - trueColumn));
    counts.total++;
    counts.errorSum += Math.hypot(matchedRow + 0.5 - row, matchedColumn + 0.5 - column);
    thresholds.forEach((threshold, t) => {
      if (distance <= threshold) counts.correct[t]!++;
      counts.byChance[t]! += (clampedSpan(trueRow, threshold, grid) * clampedSpan(trueColumn, threshold, grid)) / (grid * grid);
    });
  }
  return counts;
}

/** Sums of the counts of several pairs; all must have the same thresholds. */
export function addPck(all: readonly PckCounts[]): PckCounts {
  const [first] = all;
  if (!first) throw new RunError('There is no pair of views to score matches on.');
  const sum = (pick: (counts: PckCounts) => number): number => all.reduce((total, counts) => total + pick(counts), 0);
  return {
    thresholds: first.thresholds,
    total: sum((c) => c.total),
    correct: first.thresholds.map((_, t) => sum((c) => c.correct[t]!)),
    byChance: first.thresholds.map((_, t) => sum((c) => c.byChance[t]!)),
    errorSum: sum((c) => c.errorSum),
  };
}

/** Shares of correct matches (the percentage of correct keypoints of Yang and Ramanan, on patches), in [0, 1], and the mean error in patches. */
export function pckRates(counts: PckCounts): { rates: number[]; chance: number[]; meanError: number } {
  const total = Math.max(counts.total, 1);
  return { rates: counts.correct.map((n) => n / total), chance: counts.byChance.map((n) => n / total), meanError: counts.errorSum / total };
}
