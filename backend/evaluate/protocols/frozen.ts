/** Protocols that learn nothing of the encoder: features of both sets once, then a classifier on them. */
import type { Dataset } from '../../data/dataset.ts';
import { loadEvaluationImages } from '../../data/evaluation.ts';
import { writeAtomically } from '../../formats/atomic.ts';
import { writeSafetensors } from '../../formats/tensorFile.ts';
import type { Branch } from '../../methods/method.ts';
import { imageVectors, vectorKinds, vectorWidth, type FeatureModel, type VectorKind } from '../features.ts';
import { classifyByNeighbours } from '../knn.ts';
import { classification, type Classification } from './classification.ts';
import { fewShot, type FewShotSettings, type LabelledVectors } from './fewShot.ts';
import { openLabelled, type LabelledSet, type LabelledSources } from './labelled.ts';

/** Both sets by the classes of the training images. */
export interface FrozenFeatures {
  train: LabelledVectors;
  test: LabelledVectors;
  dimension: number;
  classes: string[];
  /** Images that could not be read, which are left out. */
  skipped: string[];
  tested: Tested;
}

/** The test images that were classified: their numbers in the dataset. */
export interface Tested {
  dataset: Dataset;
  images: number[];
}

/** Features of every labelled image of two sources. Throws InputError as `openLabelled` does. */
export async function frozenFeatures(m: FeatureModel, sources: LabelledSources, kind: VectorKind, branch: Branch, say: (text: string) => void): Promise<FrozenFeatures> {
  const { train, test, classes } = await openLabelled(sources);
  const skipped: string[] = [];
  const [own, held] = [await labelledVectors(m, train, kind, branch, skipped, say), await labelledVectors(m, test, kind, branch, skipped, say)];
  return { train: own, test: held, dimension: vectorWidth(m.model, kind), classes, skipped, tested: { dataset: test.dataset, images: held.images } };
}

/** Features of the images by the evaluation crop. Those that cannot be read are left out and added to `skipped`. */
export async function labelledVectors(m: FeatureModel, { name, dataset, labels }: LabelledSet, kind: VectorKind, branch: Branch, skipped: string[], say: (text: string) => void): Promise<LabelledVectors & { images: number[] }> {
  say(`${name}: ${labels.length} images`);
  const unread = new Set<number>();
  const pixels = await loadEvaluationImages(dataset, labels.map((_, i) => i), m.model.imageSize, 'auto', (position, { file }) => {
    unread.add(position);
    skipped.push(file);
  });
  const features = await imageVectors(m, pixels, kind, branch), width = vectorWidth(m.model, kind);
  const kept = Array.from(labels.keys()).filter((i) => !unread.has(i));
  const rows = new Float32Array(kept.length * width);
  kept.forEach((from, to) => rows.set(features.subarray(from * width, (from + 1) * width), to * width));
  return { features: rows, labels: Int32Array.from(kept, (i) => labels[i]!), images: kept };
}

/** For other tools: `train.features` [count, dimension] with `train.labels` [count], and `test.` likewise. */
export async function saveFeatures(path: string, { train, test, dimension, classes }: FrozenFeatures): Promise<void> {
  const tensors = (['train', 'test'] as const).flatMap((name) => {
    const { features, labels } = { train, test }[name];
    return [{ name: `${name}.features`, dtype: 'F32' as const, shape: [labels.length, dimension], data: features }, { name: `${name}.labels`, dtype: 'I32' as const, shape: [labels.length], data: labels }];
  });
  await writeAtomically(path, (partial) => writeSafetensors(partial, tensors, { classes: JSON.stringify(classes) }));
}

export interface ProtocolResult extends Classification {
  protocol: string;
  counts: { train: number; test: number; classes: number; skipped: number };
  settings: Record<string, unknown>;
  /** The class of each test image. */
  predictions: number[];
  tested: Tested;
}

const countsOf = ({ train, test, classes, skipped }: FrozenFeatures): ProtocolResult['counts'] => ({ train: train.labels.length, test: test.labels.length, classes: classes.length, skipped: skipped.length });

/** DINO's weighted neighbours: each votes exp(cosine / .07). */
export function neighboursProtocol(features: FrozenFeatures, neighbours: number): ProtocolResult {
  const { train, test, dimension, classes } = features;
  const { scores } = classifyByNeighbours(train, test, { dimension, classes: classes.length, k: [neighbours] });
  const { predictions, rankings } = scores[0]!;
  return { protocol: 'knn', ...classification(rankings, test.labels, classes), counts: countsOf(features), settings: { neighbours: scores[0]!.k, temperature: 0.07, features: `${vectorKinds.class}, at length 1` }, predictions: [...predictions], tested: features.tested };
}

/** MSN's softmax regression on few labels. */
export function fewShotProtocol(features: FrozenFeatures, settings: FewShotSettings): ProtocolResult {
  const { train, test, dimension, classes } = features;
  const { regression, lambda, chosen, rankings } = fewShot(train, test, dimension, classes.length, settings);
  const { objective, gap, iterations } = regression;
  return {
    protocol: 'few-shot', ...classification(rankings, test.labels, classes), counts: { ...countsOf(features), train: chosen.length },
    settings: { shots: settings.shots, seed: settings.seed, lambda, objective, gap, iterations, chosen, features: `${vectorKinds['last-block']}, less its own mean, at length 1` },
    predictions: rankings.map(([first]) => first!),
    tested: features.tested,
  };
}
