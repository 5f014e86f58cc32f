/** Images with classes, to learn from and to be measured on, numbered by the same classes. */
import { openDataset, type Dataset } from '../../data/dataset.ts';
import { InputError } from '../../errors.ts';

export interface LabelledSources {
  train: string;
  test: string;
}

export interface LabelledSet {
  /** For messages. */
  name: string;
  /** The images with a class, and no others. */
  dataset: Dataset;
  /** Of each image, by the training images' classes. */
  labels: Int32Array;
}

/** Throws InputError where there are no classes, or the test images have others. */
export async function openLabelled(sources: LabelledSources): Promise<{ train: LabelledSet; test: LabelledSet; classes: string[] }> {
  const [train, test] = [await openDataset(sources.train), await openDataset(sources.test)];
  const { classes } = train;
  if (classes.length < 2) throw new InputError(`${train.source} has ${classes.length === 1 ? 'one class' : 'no classes'}: give a folder with a folder for each of two or more`);
  return { train: labelledBy(train, classes, train.source, 'training'), test: labelledBy(test, classes, train.source), classes };
}

/** The labelled images of a dataset by the classes of another, whose name messages give. Throws InputError where it has others, or none. */
export function labelledBy(whole: Dataset, classes: string[], trainSource: string, name = 'test'): LabelledSet {
  const numbers = whole.classes.map((known) => classes.indexOf(known));
  const unknown = whole.classes[numbers.indexOf(-1)];
  if (unknown !== undefined) throw new InputError(`${whole.source} has the class "${unknown}", and ${trainSource} does not: give test images of the same classes`);
  const indices = Array.from({ length: whole.length }, (_, i) => i).filter((i) => whole.label(i) !== null);
  if (indices.length === 0) throw new InputError(`${whole.source} has no image with a class: give a folder with a folder for each class`);
  const labels = Int32Array.from(indices, (i) => numbers[whole.label(i)!]!);
  const dataset: Dataset = { source: whole.source, classes, length: indices.length, file: (i) => whole.file(indices[i]!), label: (i) => labels[i]!, location: (i) => whole.location(indices[i]!), read: (i) => whole.read(indices[i]!) };
  return { name, dataset, labels };
}
