/** Which outputs of a classifier the classes of a folder are: all of them, or a subset as in ImageNet-A and ImageNet-R, whose images have 200 of the 1000. */
import { readFile } from 'node:fs/promises';
import { openDataset, type Dataset } from '../../data/dataset.ts';
import { InputError } from '../../errors.ts';
import { labelledBy, type LabelledSet } from './labelled.ts';

export interface ClassSources {
  /** Images that the classifier learned from: their class folders in order are its outputs. */
  train: string | null;
  /** A file that names the outputs instead, one a line. */
  classes: string | null;
  test: string;
  /** Whether a prediction may be a class that the test images do not have. */
  allClasses: boolean;
}

export interface TestedClasses {
  held: LabelledSet;
  /** The classes that compete, by whose places images are labelled. */
  names: string[];
  /** The output of each of `names`. */
  outputs: number[];
  /** What was done, for settings. */
  about: string;
}

/** `count`: the classifier's outputs. Throws InputError where these have no names, or the test images have a class that is not among them. */
export async function testedClasses(sources: ClassSources, count: number): Promise<TestedClasses> {
  const test = await openDataset(sources.test);
  const { names: known, source } = await namesOf(sources, test, count);
  const unknown = test.classes.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new InputError(`${test.source} has ${unknown.length === 1 ? 'the class' : `${unknown.length} classes that the classifier does not know, such as`} "${unknown[0]!}", and ${source} ${unknown.length === 1 ? 'does not' : 'has none of them'}: give test images of classes that it was trained on`);
  // A head may have spare outputs: they count as mistakes where they win, under names of their own.
  const all = Array.from({ length: count }, (_, i) => known[i] ?? `output ${i}`);
  const isSubset = test.classes.length < known.length && !sources.allClasses;
  const names = isSubset ? test.classes : all;
  return { held: labelledBy(test, names, source), names, outputs: names.map((name) => all.indexOf(name)), about: isSubset ? `predictions are restricted to the ${names.length} of ${known.length} classes that the test images have` : `all ${known.length}` };
}

async function namesOf({ train, classes }: ClassSources, test: Dataset, count: number): Promise<{ names: string[]; source: string }> {
  if (classes !== null) {
    const names = await readNames(classes);
    if (names.length !== count) throw new InputError(`${classes} names ${names.length} classes and the classifier has ${count}: give one a line, in the order of its outputs`);
    return { names, source: classes };
  }
  const { classes: names, source } = train === null ? test : await openDataset(train);
  if (names.length === 0 || names.length > count || (train === null && names.length !== count)) throw new InputError(`${source} has ${names.length} classes and the classifier ${count}: ${train === null ? 'say which class is which, with --data FOLDER (the images that it was trained on) or --classes FILE' : 'give the images that it was trained on, or --classes FILE'}`);
  return { names, source };
}

const mostBytes = 2 ** 22;

/** One name a line; what follows it is left out, as in lists of ImageNet's classes. Throws InputError where a name comes twice. */
async function readNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => { throw new InputError(`cannot read the classes in ${path}: ${(error as Error).message}`); });
  if (text.length > mostBytes) throw new InputError(`${path} is too long for a list of classes: give a text file with one class a line`);
  const names = text.split('\n').map((line) => line.trim()).filter((line) => line !== '').map((line) => /^(n\d{8})\b/.exec(line)?.[1] ?? line);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`${path} names the class "${twice}" twice: give each output's class once, in their order`);
  return names;
}

/** The scores of some outputs: of rows [n, count] the columns [n, outputs]. */
export function scoresOf(scores: Float32Array, count: number, outputs: readonly number[]): Float32Array {
  const rows = scores.length / count, chosen = new Float32Array(rows * outputs.length);
  for (let row = 0; row < rows; row++) outputs.forEach((output, i) => (chosen[row * outputs.length + i] = scores[row * count + output]!));
  return chosen;
}
