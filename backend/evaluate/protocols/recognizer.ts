/** What tells the class of an image: a model's own classifier, or its nearest training images where it has none. */
import { openDataset } from '../../data/dataset.ts';
import { InputError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import { imageVectors, vectorKinds, vectorWidth, type FeatureModel } from '../features.ts';
import { classifyByNeighbours } from '../knn.ts';
import { ranked } from './classification.ts';
import { classesOf, classify, weightsOf } from './classify.ts';
import { labelledVectors } from './frozen.ts';
import { labelledBy, type LabelledSet } from './labelled.ts';
import { scoresOf, testedClasses, type ClassSources } from './testedClasses.ts';

export const heads = ['classifier', 'knn'] as const;
export type Head = (typeof heads)[number];

export interface Recognizer {
  held: LabelledSet;
  names: string[];
  settings: Record<string, unknown>;
  /** Training images that vote. */
  trained: number;
  /** Of RGB images [n, size, size, 3] the places in `names`, the likeliest first, at most five. */
  rank(pixels: Uint8Array): Promise<number[][]>;
}

/** Throws InputError as `classesOf` and `testedClasses` do. */
export async function classifierRecognizer(m: FeatureModel, sources: ClassSources, branch: Branch): Promise<Recognizer> {
  const count = classesOf(m);
  const { held, names, outputs, about } = await testedClasses(sources, count);
  return { held, names, trained: 0, settings: { head: 'the model\'s own classifier', weights: weightsOf(m, branch), classes: about }, rank: async (pixels) => ranked(scoresOf(await classify(m, pixels, branch), count, outputs), outputs.length) };
}

/** Frozen features of training images as they are vote on the test images; so do those of the tested classes alone. Throws InputError as `labelledBy` does. */
export async function neighboursRecognizer(m: FeatureModel, sources: ClassSources, branch: Branch, neighbours: number, say: (text: string) => void): Promise<Recognizer> {
  if (sources.train === null) throw new InputError('nearest neighbours need training images: give --data FOLDER, with a folder for each class');
  const train = await openDataset(sources.train);
  const { held, names, about } = await testedClasses({ ...sources, classes: null }, train.classes.length);
  const { dataset, labels } = labelledBy(train, train.classes, train.source);
  const places = Array.from(labels.keys()).filter((i) => names.includes(train.classes[labels[i]!]!));
  const voters: LabelledSet = {
    name: 'training', labels: Int32Array.from(places, (i) => names.indexOf(train.classes[labels[i]!]!)),
    dataset: { ...dataset, length: places.length, file: (i) => dataset.file(places[i]!), label: (i) => names.indexOf(train.classes[labels[places[i]!]!]!), location: (i) => dataset.location(places[i]!), read: (i) => dataset.read(places[i]!) },
  };
  const dimension = vectorWidth(m.model, 'class'), skipped: string[] = [];
  const own = await labelledVectors(m, voters, 'class', branch, skipped, say);
  const k = Math.min(neighbours, own.labels.length);
  return {
    held, names, trained: own.labels.length,
    settings: { head: `${k} nearest training images by frozen features, with nothing trained: not the paper's protocol, which fine-tunes`, features: vectorKinds.class, classes: about },
    async rank(pixels) {
      const features = await imageVectors(m, pixels, 'class', branch);
      return classifyByNeighbours(own, { features, labels: new Int32Array(features.length / dimension) }, { dimension, classes: names.length, k: [k], neighbours: 1 }).scores[0]!.rankings;
    },
  };
}
