/** What features are worth without training anything on them: correspondence between views, and neighbours where there are classes. */
import type { Dataset } from '../data/dataset.ts';
import { loadEvaluationImages } from '../data/evaluation.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import { addPck, matchPatches, pck, positionMeans, trueMatches, type PckCounts } from './correspondence.ts';
import { imageFeatures, type Branch, type FeatureModel } from './features.ts';
import { classifyByNeighbours, type KnnResult } from './knn.ts';
import type { ViewPairs } from './pairs.ts';

/** What both views of every pair look like to the model. */
export interface PairResult {
  counts: PckCounts;
  dimension: number;
  /** [pairs, patches, dimension] of view a and of view b. */
  a: Float32Array;
  b: Float32Array;
  /** Mean feature of each position over all pairs, taken off before matching. */
  positionMeans: { a: Float32Array; b: Float32Array };
}

/** PCK of the encoder's patch features over all pairs. */
export async function probeCorrespondence(m: FeatureModel, pairs: ViewPairs, branch: Branch = 'online'): Promise<PairResult> {
  const { grid, patches, width } = modelDimensions(m.model);
  const a = (await imageFeatures(m, pairs.a.pixels, branch)).patches;
  const b = (await imageFeatures(m, pairs.b.pixels, branch)).patches;
  const means = { a: positionMeans(a, patches, width), b: positionMeans(b, patches, width) };
  const size = patches * width;
  const counts = Array.from({ length: pairs.count }, (_, i) => {
    const { best } = matchPatches(a.subarray(i * size, (i + 1) * size), b.subarray(i * size, (i + 1) * size), patches, width, { positionMeans: means });
    return pck(best, trueMatches(pairs.a.crops[i]!, pairs.b.crops[i]!, grid), grid);
  });
  return { counts: addPck(counts), dimension: width, a, b, positionMeans: means };
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
