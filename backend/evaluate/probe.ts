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
import { imageFeatures, type FeatureModel } from './features.ts';
import { classifyByNeighbours, type KnnResult } from './knn.ts';
import type { ViewPairs } from './pairs.ts';

/** What both views of every pair look like to the model. */
export interface PairResult {
  counts: PckCounts;
  dimension: number;
  /** [pairs, patches, dimension] of view a and of view b, centred by position and by image. */
  a: Float32Array;
  b: Float32Array;
}

/** PCK of the encoder's patch features over all pairs. */
export async function probeCorrespondence(m: FeatureModel, pairs: ViewPairs, branch: Branch = 'online'): Promise<PairResult> {
  const { grid, patches, width } = modelDimensions(m.model);
  const a = centredFeatures((await imageFeatures(m, pairs.a.pixels, branch)).patches, patches, width);
  const b = centredFeatures((await imageFeatures(m, pairs.b.pixels, branch)).patches, patches, width);
  const size = patches * width;
  const counts = Array.from({ length: pairs.count }, (_, i) => {
    const { best } = matchPatches(a.subarray(i * size, (i + 1) * size), b.subarray(i * size, (i + 1) * size), patches, width);
    return pck(best, trueMatches(pairs.a.crops[i]!, pairs.b.crops[i]!, grid), grid);
  });
  return { counts: addPck(counts), dimension: width, a, b };
}

/**
 * The method's own prediction: shown view a and where view b lies, it predicts b's features; the share of b's patches whose
 * prediction is nearest to the features of that very patch, among all of b's. Only patches that view a holds are counted, and
 * the means of each position and of each image are taken off both, so that knowing the place or the image alone counts for nothing. Null where the method predicts no features.
 */
export async function probePrediction(m: FeatureModel, pairs: ViewPairs): Promise<PckCounts | null> {
  const { grid, patches, imageSize, patchSize } = modelDimensions(m.model);
  if (m.method.name !== 'siamese' || m.method.target !== 'feature' || m.method.level !== 'dense') return null;
  const predicted: Float32Array[] = [], actual: Float32Array[] = [];
  const bytes = imageSize ** 2 * 3;
  for (let from = 0; from < pairs.count; from += chunk) {
    const to = Math.min(pairs.count, from + chunk);
    const { pred, target } = tf.tidy(() => {
      const view = (pixels: Uint8Array) => ({ patches: imagePatches(pixels.subarray(from * bytes, to * bytes), imageSize, patchSize), visible: null, mask: null });
      const geometry = pairs.a.crops.slice(from, to).map((crop, i) => relativeGeometry(crop, pairs.b.crops[from + i]!));
      const { intermediates } = withoutGradient(() => methodOf(m.method).forward(m.parameters, m.model, m.method, { views: [view(pairs.a.pixels), view(pairs.b.pixels)], geometry }, { rates: {}, draw: (_name, count) => new Float32Array(count), detailed: false }));
      return { pred: intermediates.pred!, target: intermediates.target! };
    });
    predicted.push((await pred.data()) as Float32Array);
    actual.push((await target.data()) as Float32Array);
    tf.dispose([pred, target]);
  }
  const width = predicted[0]!.length / (Math.min(chunk, pairs.count) * patches);
  const [y, z] = [predicted, actual].map((parts) => centredFeatures(concatenate(parts), patches, width)) as [Float32Array, Float32Array];
  const size = patches * width;
  return addPck(
    Array.from({ length: pairs.count }, (_, i) => {
      const { best } = matchPatches(z.subarray(i * size, (i + 1) * size), y.subarray(i * size, (i + 1) * size), patches, width);
      const seen = trueMatches(pairs.a.crops[i]!, pairs.b.crops[i]!, grid);
      const own = Float32Array.from(seen, (v, k) => (Number.isNaN(v) ? NaN : (k % 2 === 0 ? Math.floor((k >> 1) / grid) : (k >> 1) % grid) + 0.5));
      return pck(best, own, grid);
    }),
  );
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

/** The first `limit` labelled images of a dataset, spread evenly over it. */
export async function loadLabelled(dataset: Dataset, model: ModelConfig, limit: number): Promise<LabelledImages> {
  const labelled = Array.from({ length: dataset.length }, (_, i) => i).filter((i) => dataset.label(i) !== null);
  const stride = Math.max(1, labelled.length / limit);
  const indices = Array.from({ length: Math.min(limit, labelled.length) }, (_, i) => labelled[Math.floor(i * stride)]!);
  return { pixels: await loadEvaluationImages(dataset, indices, model.imageSize, 'auto', () => undefined), labels: Int32Array.from(indices, (i) => dataset.label(i)!), files: indices.map((i) => dataset.file(i)) };
}

/** k-NN on mean patch features, the mean over the training images taken off. */
export async function probeNeighbours(m: FeatureModel, train: LabelledImages, test: LabelledImages, classes: number, k: readonly number[], branch: Branch = 'online'): Promise<KnnResult> {
  const { width } = modelDimensions(m.model);
  const [reference, query] = [(await imageFeatures(m, train.pixels, branch)).pooled, (await imageFeatures(m, test.pixels, branch)).pooled];
  const mean = positionMeans(reference, 1, width);
  const centred = (features: Float32Array): Float32Array => features.map((v, i) => v - mean[i % width]!);
  return classifyByNeighbours({ features: centred(reference), labels: train.labels }, { features: centred(query), labels: test.labels }, { dimension: width, classes, k });
}
