/** Classifies each test image by its nearest training images: what features hold of the classes, with nothing trained on top. */
import { InputError, RunError } from '../errors.ts';
import { pause } from './pause.ts';
import { wilson, type Rate } from './rates.ts';
import { dotRows, normalizeRows, rowCount } from './vectors.ts';

/** Features of images with their classes. */
export interface LabelledFeatures {
  /** [count, dimension]. */
  features: Float32Array;
  /** [count], each in [0, classes). */
  labels: Int32Array;
}

export interface KnnOptions {
  dimension: number;
  classes: number;
  /** Numbers of neighbours that vote; DINO's 10, 20, 100 and 200 by default. More than the training set holds means all of it. */
  k?: readonly number[];
  /** A neighbour votes exp(cosine / temperature); 0.07 by default. */
  temperature?: number;
  /** How many nearest training images to return for each test image; 5 by default. */
  neighbours?: number;
}

export interface KnnScore {
  k: number;
  top1: Rate;
  /** The true class is among the five with the most votes. */
  top5: Rate;
  perClass: { tested: number; correct: number }[];
  /** [tests], the predicted classes. */
  predictions: Int32Array;
  /** Of each test image the classes with the most votes, most first, at most five. */
  rankings: number[][];
}

export interface KnnResult {
  scores: KnnScore[];
  /** Training images nearest to each test image, nearest first: indices and cosines, [tests, neighbours]. */
  neighbours: { count: number; indices: Int32Array; cosines: Float32Array };
}

function checkLabels(set: LabelledFeatures, count: number, classes: number, name: string): void {
  if (set.labels.length !== count) throw new RunError(`The ${name} set has ${count} rows of features and ${set.labels.length} labels.`);
  const bad = set.labels.find((label) => label < 0 || label >= classes);
  if (bad !== undefined) throw new RunError(`The ${name} set has a label ${bad}, and there are ${classes} classes.`);
}

/** The `count` training rows nearest to one test row, nearest first; of equals the earlier one. */
function nearest(train: Float32Array, trainCount: number, test: Float32Array, row: number, dimension: number, indices: Int32Array, cosines: Float64Array): void {
  const count = indices.length;
  let held = 0;
  for (let j = 0; j < trainCount; j++) {
    const cosine = dotRows(train, j, test, row, dimension);
    if (held === count && cosine <= cosines[count - 1]!) continue;
    let at = held < count ? held++ : count - 1;
    for (; at > 0 && cosines[at - 1]! < cosine; at--) {
      cosines[at] = cosines[at - 1]!;
      indices[at] = indices[at - 1]!;
    }
    cosines[at] = cosine;
    indices[at] = j;
  }
}

/** Classes by votes, most first, the lower number first among equals; classes without votes are left out. At most five. */
function rank(votes: Float64Array): number[] {
  return Array.from(votes.keys()).filter((c) => votes[c]! > 0).sort((a, b) => votes[b]! - votes[a]! || a - b).slice(0, 5);
}

/** Test images from one yield to the next: a fraction of a second's work with a thousand training images. */
const part = 128;

function* classification(train: LabelledFeatures, test: LabelledFeatures, options: KnnOptions): Generator<void, KnnResult> {
  const { dimension, classes, k = [10, 20, 100, 200], temperature = 0.07, neighbours = 5 } = options;
  if (k.length === 0 || k.some((n) => !Number.isInteger(n) || n < 1)) throw new InputError(`The numbers of neighbours must be whole and at least 1, not ${k.join(', ')}.`);
  const trainCount = rowCount(train.features, dimension, 'training features');
  const testCount = rowCount(test.features, dimension, 'test features');
  checkLabels(train, trainCount, classes, 'training');
  checkLabels(test, testCount, classes, 'test');
  const trainRows = normalizeRows(train.features, dimension, 'training features');
  const testRows = normalizeRows(test.features, dimension, 'test features');

  const sizes = [...new Set(k.map((n) => Math.min(n, trainCount)))].sort((a, b) => a - b);
  const shown = Math.min(neighbours, trainCount);
  const indices = new Int32Array(Math.max(shown, sizes.at(-1)!));
  const cosines = new Float64Array(indices.length);
  const kept = { count: shown, indices: new Int32Array(testCount * shown), cosines: new Float32Array(testCount * shown) };
  const tallies = sizes.map((size) => ({ k: size, correct: 0, amongFive: 0, perClass: Array.from({ length: classes }, () => ({ tested: 0, correct: 0 })), predictions: new Int32Array(testCount), rankings: [] as number[][] }));
  const votes = new Float64Array(classes);

  for (let row = 0; row < testCount; row++) {
    if (row % part === part - 1) yield;
    nearest(trainRows, trainCount, testRows, row, dimension, indices, cosines);
    kept.indices.set(indices.subarray(0, shown), row * shown);
    kept.cosines.set(cosines.subarray(0, shown), row * shown);
    const truth = test.labels[row]!;
    votes.fill(0);
    let counted = 0;
    for (const tally of tallies) {
      // Sizes rise, so the votes of one size go on from those of the one before.
      for (; counted < tally.k; counted++) votes[train.labels[indices[counted]!]!]! += Math.exp(cosines[counted]! / temperature);
      const ranking = rank(votes);
      tally.predictions[row] = ranking[0]!;
      tally.rankings.push(ranking);
      const count = tally.perClass[truth]!;
      count.tested++;
      if (ranking[0] === truth) {
        tally.correct++;
        count.correct++;
      }
      if (ranking.includes(truth)) tally.amongFive++;
    }
  }
  const scores = tallies.map(({ correct, amongFive, ...rest }) => ({ ...rest, top1: wilson(correct, testCount), top5: wilson(amongFive, testCount) }));
  return { scores, neighbours: kept };
}

/**
 * Weighted k-nearest-neighbour classification on the cosine, as DINO does it (Caron et al., ICCV 2021, appendix F.1).
 * Throws InputError for wrong options, RunError for features or labels that do not fit together.
 */
export function classifyByNeighbours(train: LabelledFeatures, test: LabelledFeatures, options: KnnOptions): KnnResult {
  const work = classification(train, test, options);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The same with pauses. Rejects with the signal's reason where it is aborted. */
export async function classifyInParts(train: LabelledFeatures, test: LabelledFeatures, options: KnnOptions, signal?: AbortSignal): Promise<KnnResult> {
  const work = classification(train, test, options);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await pause(signal);
  }
}
