/** MSN's protocol for few labels: softmax regression on frozen features, as SiameseIM's paper uses it with 1 % of ImageNet. */
import { InputError } from '../../errors.ts';
import { Random } from '../../random.ts';
import { fitSoftmaxRegression, type Regression } from '../softmaxRegression.ts';

/** How many labelled images a class gives: so many, or a share of what it has. */
export type Shots = { perClass: number } | { share: number };

/** The images that may be learned from, ascending: of each class the first of a seeded order, at least one. */
export function drawShots(labels: Int32Array, classes: number, shots: Shots, seed: number): number[] {
  const byClass = Array.from({ length: classes }, (): number[] => []);
  labels.forEach((label, i) => byClass[label]!.push(i));
  return byClass.flatMap((members, c) => {
    const random = new Random(seed, c);
    for (let i = members.length - 1; i > 0; i--) {
      const j = random.integer(0, i);
      [members[i], members[j]] = [members[j]!, members[i]!];
    }
    return members.slice(0, 'perClass' in shots ? shots.perClass : Math.max(1, Math.round(shots.share * members.length)));
  }).sort((a, b) => a - b);
}

/** Each vector less its own mean, at length 1, in doubles. Throws InputError where a value is not finite. */
export function centredUnits(features: Float32Array, dimension: number): Float64Array {
  const result = Float64Array.from(features);
  for (let start = 0; start < result.length; start += dimension) {
    const row = result.subarray(start, start + dimension);
    const mean = row.reduce((sum, v) => sum + v, 0) / dimension;
    let square = 0;
    for (let i = 0; i < dimension; i++) square += (row[i]! -= mean) ** 2;
    if (!Number.isFinite(square)) throw new InputError(`the features of image ${start / dimension} are not finite: the model's weights have overflowed, so take an earlier checkpoint`);
    if (square > 0) for (let i = 0; i < dimension; i++) row[i]! /= Math.sqrt(square);
  }
  return result;
}

export interface FewShotSettings {
  shots: Shots;
  seed: number;
  /** Weight decay; null: MSN's .1 over the number of labelled images. */
  lambda: number | null;
}

export interface FewShot {
  regression: Regression;
  lambda: number;
  /** The training images that were learned from. */
  chosen: number[];
  /** Of each test image the five likeliest classes, or all. */
  rankings: number[][];
}

export interface LabelledVectors {
  /** [count, dimension]. */
  features: Float32Array;
  labels: Int32Array;
}

/** Fits on some of the training images and ranks the classes of every test image. */
export function fewShot(train: LabelledVectors, test: LabelledVectors, dimension: number, classes: number, { shots, seed, lambda: given }: FewShotSettings): FewShot {
  const chosen = drawShots(train.labels, classes, shots, seed);
  const lambda = given ?? 0.1 / chosen.length;
  const all = centredUnits(train.features, dimension), held = centredUnits(test.features, dimension);
  const features = new Float64Array(chosen.length * dimension);
  chosen.forEach((image, i) => features.set(all.subarray(image * dimension, (image + 1) * dimension), i * dimension));
  const regression = fitSoftmaxRegression({ features, labels: Int32Array.from(chosen, (i) => train.labels[i]!), dimension, classes, lambda });
  const rankings = Array.from(test.labels, (_, i) => {
    const scores = Array.from({ length: classes }, (_c, c) => {
      let sum = 0;
      for (let k = 0; k < dimension; k++) sum += regression.weights[c * dimension + k]! * held[i * dimension + k]!;
      return sum;
    });
    return Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, 5);
  });
  return { regression, lambda, chosen, rankings };
}
