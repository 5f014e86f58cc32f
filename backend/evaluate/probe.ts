/** What features are worth without training anything on them: correspondence between views, and neighbours where there are classes. */
import * as tf from '@tensorflow/tfjs-core';
import { relativeGeometry } from '../augment/geometry.ts';
import type { Dataset } from '../data/dataset.ts';
import { loadEvaluationImages } from '../data/evaluation.ts';
import type { Branch } from '../methods/method.ts';
import { methodOf } from '../methods/registry.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { addPck, centredFeatures, matchPatches, pck, positionMeans, trueMatches, type PckCounts } from './correspondence.ts';
import { imageFeatures, imageVectors, type FeatureModel } from './features.ts';
import { classifyInParts, type KnnOptions, type KnnResult, type LabelledFeatures } from './knn.ts';
import type { ViewPairs } from './pairs.ts';
import { pause } from './pause.ts';

/** What both views of every pair look like to the model. */
export interface PairResult {
  counts: PckCounts;
  dimension: number;
  /** [pairs, patches, dimension] of view a and of view b, centred by position and by image. */
  a: Float32Array;
  b: Float32Array;
}

/** PCK of the encoder's patch features over all pairs. */
export async function probeCorrespondence(m: FeatureModel, pairs: ViewPairs, branch: Branch = 'online', signal?: AbortSignal): Promise<PairResult> {
  const { grid, patches, width } = modelDimensions(m.model);
  const a = centredFeatures((await imageFeatures(m, pairs.a.pixels, branch, signal)).patches, patches, width);
  const b = centredFeatures((await imageFeatures(m, pairs.b.pixels, branch, signal)).patches, patches, width);
  const size = patches * width;
  const counts: PckCounts[] = [];
  for (let i = 0; i < pairs.count; i++) {
    const { best } = matchPatches(a.subarray(i * size, (i + 1) * size), b.subarray(i * size, (i + 1) * size), patches, width);
    counts.push(pck(best, trueMatches(pairs.a.crops[i]!, pairs.b.crops[i]!, grid), grid));
    await pause(signal);
  }
  return { counts: addPck(counts), dimension: width, a, b };
}

/**
 * The method's own prediction: shown view a and where view b lies, it predicts b's features; the share of b's patches whose
 * prediction is nearest to the features of that very patch, among all of b's. Only patches that view a holds are counted, and
 * the means of each position and of each image are taken off both, so that knowing the place or the image alone counts for nothing. Null where the method predicts no features.
 */
export async function probePrediction(m: FeatureModel, pairs: ViewPairs, signal?: AbortSignal): Promise<PckCounts | null> {
  const { grid, patches, imageSize, patchSize } = modelDimensions(m.model);
  if (m.method.name !== 'siamese' || m.method.target !== 'feature' || m.method.level !== 'dense') return null;
  const predicted: Float32Array[] = [], actual: Float32Array[] = [];
  const bytes = imageSize ** 2 * 3;
  for (let from = 0; from < pairs.count; from += chunk) {
    const to = Math.min(pairs.count, from + chunk);
    const { pred, target } = tf.tidy(() => {
      const view = (pixels: Uint8Array) => ({ patches: imagePatches(pixels.subarray(from * bytes, to * bytes), imageSize, patchSize), visible: null, mask: null });
      const geometry = pairs.a.crops.slice(from, to).map((crop, i) => relativeGeometry(crop, pairs.b.crops[from + i]!));
      const { intermediates } = withoutGradient(() => m.parameters.unobserved(() => methodOf(m.method).forward(m.parameters, m.model, m.method, { views: [view(pairs.a.pixels), view(pairs.b.pixels)], geometry }, { rates: {}, draw: (_name, count) => new Float32Array(count), detailed: false })));
      return { pred: intermediates.pred!, target: intermediates.target! };
    });
    predicted.push((await pred.data()) as Float32Array);
    actual.push((await target.data()) as Float32Array);
    tf.dispose([pred, target]);
    await pause(signal);
  }
  const width = predicted[0]!.length / (Math.min(chunk, pairs.count) * patches);
  const [y, z] = [predicted, actual].map((parts) => centredFeatures(concatenate(parts), patches, width)) as [Float32Array, Float32Array];
  const size = patches * width;
  const counts: PckCounts[] = [];
  for (let i = 0; i < pairs.count; i++) {
    const { best } = matchPatches(z.subarray(i * size, (i + 1) * size), y.subarray(i * size, (i + 1) * size), patches, width);
    const seen = trueMatches(pairs.a.crops[i]!, pairs.b.crops[i]!, grid);
    const own = Float32Array.from(seen, (v, k) => (Number.isNaN(v) ? NaN : (k % 2 === 0 ? Math.floor((k >> 1) / grid) : (k >> 1) % grid) + 0.5));
    counts.push(pck(best, own, grid));
    await pause(signal);
  }
  return addPck(counts);
}

const chunk = 32;

function concatenate(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Images with their classes, decoded once for several models. */
export interface LabelledImages {
  pixels: Uint8Array;
  labels: Int32Array;
  files: string[];
}

/** Up to `limit` of the numbers, spread evenly over them. */
function spread(numbers: readonly number[], limit: number): number[] {
  const stride = Math.max(1, numbers.length / limit);
  return Array.from({ length: Math.min(limit, numbers.length) }, (_, i) => numbers[Math.floor(i * stride)]!);
}

const numbersOf = (dataset: Dataset): number[] => Array.from({ length: dataset.length }, (_, i) => i);

/** Up to `limit` labelled images of a dataset, spread evenly over it. */
export async function loadLabelled(dataset: Dataset, model: ModelConfig, limit: number, signal?: AbortSignal): Promise<LabelledImages> {
  const indices = spread(numbersOf(dataset).filter((i) => dataset.label(i) !== null), limit);
  return { pixels: await loadEvaluationImages(dataset, indices, model.imageSize, 'auto', () => undefined, signal), labels: Int32Array.from(indices, (i) => dataset.label(i)!), files: indices.map((i) => dataset.file(i)) };
}

/** Up to `limit` images of a dataset, likewise, with or without classes: [images, size, size, 3] RGB. */
export const loadSample = (dataset: Dataset, model: ModelConfig, limit: number, signal?: AbortSignal): Promise<Uint8Array> => loadEvaluationImages(dataset, spread(numbersOf(dataset), limit), model.imageSize, 'auto', () => undefined, signal);

/** k-NN on features of both sets, the mean over the training images taken off. */
export function neighboursOf(train: LabelledFeatures, test: LabelledFeatures, options: KnnOptions, signal?: AbortSignal): Promise<KnnResult> {
  const { dimension } = options;
  const mean = positionMeans(train.features, 1, dimension);
  const centred = ({ features, labels }: LabelledFeatures): LabelledFeatures => ({ features: features.map((v, i) => v - mean[i % dimension]!), labels });
  return classifyInParts(centred(train), centred(test), options, signal);
}

/** k-NN on mean patch features, the mean over the training images taken off. */
export async function probeNeighbours(m: FeatureModel, train: LabelledImages, test: LabelledImages, classes: number, k: readonly number[], branch: Branch = 'online'): Promise<KnnResult> {
  const [reference, query] = [await imageVectors(m, train.pixels, 'mean', branch), await imageVectors(m, test.pixels, 'mean', branch)];
  return neighboursOf({ features: reference, labels: train.labels }, { features: query, labels: test.labels }, { dimension: modelDimensions(m.model).width, classes, k });
}
