/** Protocols that learn nothing of the encoder: features of both sets once, then a classifier on them. */
import { openDataset, type Dataset } from '../../data/dataset.ts';
import { loadEvaluationImages } from '../../data/evaluation.ts';
import { InputError } from '../../errors.ts';
import { writeAtomically } from '../../formats/atomic.ts';
import { writeSafetensors } from '../../formats/tensorFile.ts';
import type { Branch } from '../../methods/method.ts';
import { modelDimensions } from '../../nn/model.ts';
import { imageVectors, type FeatureModel, type VectorKind } from '../features.ts';
import { classifyByNeighbours } from '../knn.ts';
import { classification, type Classification } from './classification.ts';
import { fewShot, type FewShotSettings, type LabelledVectors } from './fewShot.ts';

/** Both sets by the classes of the training images. */
export interface FrozenFeatures {
  train: LabelledVectors;
  test: LabelledVectors;
  dimension: number;
  classes: string[];
  /** Images that could not be read, which are left out. */
  skipped: string[];
}

/** Features of every labelled image of two sources. Throws InputError where there are no classes, or the test images have others. */
export async function frozenFeatures(m: FeatureModel, sources: { train: string; test: string }, kind: VectorKind, branch: Branch, say: (text: string) => void): Promise<FrozenFeatures> {
  const [train, test] = [await openDataset(sources.train), await openDataset(sources.test)];
  const { classes } = train;
  if (classes.length < 2) throw new InputError(`${train.source} has ${classes.length === 1 ? 'one class' : 'no classes'}: give a folder with a folder for each of two or more`);
  const skipped: string[] = [];
  const take = async (dataset: Dataset, name: string): Promise<LabelledVectors> => {
    const numbers = dataset.classes.map((known) => classes.indexOf(known));
    const unknown = dataset.classes[numbers.indexOf(-1)];
    if (unknown !== undefined) throw new InputError(`${dataset.source} has the class "${unknown}", and ${train.source} does not: give test images of the same classes`);
    const indices = Array.from({ length: dataset.length }, (_, i) => i).filter((i) => dataset.label(i) !== null);
    if (indices.length === 0) throw new InputError(`${dataset.source} has no image with a class: give a folder with a folder for each class`);
    say(`${name}: ${indices.length} images`);
    const unread = new Set<number>();
    const pixels = await loadEvaluationImages(dataset, indices, m.model.imageSize, 'auto', (position, { file }) => {
      unread.add(position);
      skipped.push(file);
    });
    const features = await imageVectors(m, pixels, kind, branch);
    const kept = indices.map((_, i) => i).filter((i) => !unread.has(i)), { width } = modelDimensions(m.model);
    const rows = new Float32Array(kept.length * width);
    kept.forEach((from, to) => rows.set(features.subarray(from * width, (from + 1) * width), to * width));
    return { features: rows, labels: Int32Array.from(kept, (i) => numbers[dataset.label(indices[i]!)!]!) };
  };
  const [own, held] = [await take(train, 'training'), await take(test, 'test')];
  return { train: own, test: held, dimension: modelDimensions(m.model).width, classes, skipped };
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
}

const countsOf = ({ train, test, classes, skipped }: FrozenFeatures): ProtocolResult['counts'] => ({ train: train.labels.length, test: test.labels.length, classes: classes.length, skipped: skipped.length });

/** DINO's weighted neighbours: each votes exp(cosine / .07). */
export function neighboursProtocol(features: FrozenFeatures, neighbours: number): ProtocolResult {
  const { train, test, dimension, classes } = features;
  const { scores } = classifyByNeighbours(train, test, { dimension, classes: classes.length, k: [neighbours] });
  const { predictions, rankings } = scores[0]!;
  return { protocol: 'knn', ...classification(rankings, test.labels, classes), counts: countsOf(features), settings: { neighbours: scores[0]!.k, temperature: 0.07, features: 'class token after the final norm, at length 1' }, predictions: [...predictions] };
}

/** MSN's softmax regression on few labels. */
export function fewShotProtocol(features: FrozenFeatures, settings: FewShotSettings): ProtocolResult {
  const { train, test, dimension, classes } = features;
  const { regression, lambda, chosen, rankings } = fewShot(train, test, dimension, classes.length, settings);
  const { objective, gap, iterations } = regression;
  return {
    protocol: 'few-shot', ...classification(rankings, test.labels, classes), counts: { ...countsOf(features), train: chosen.length },
    settings: { shots: settings.shots, seed: settings.seed, lambda, objective, gap, iterations, chosen, features: 'class token of the last block before any norm, less its own mean, at length 1' },
    predictions: rankings.map(([first]) => first!),
  };
}
