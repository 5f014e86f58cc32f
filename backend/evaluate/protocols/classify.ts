/** A classifier as it is, such as a supervised or fine-tuned model: its logits, and what share of images it tells the class of. */
import * as tf from '@tensorflow/tfjs-core';
import { evaluationChunks } from '../../data/evaluation.ts';
import { openDataset, type Dataset } from '../../data/dataset.ts';
import { InputError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import { methodOf } from '../../methods/registry.ts';
import { modelDimensions } from '../../nn/model.ts';
import { withoutGradient } from '../../ops/gradients.ts';
import { imagePatches } from '../../ops/imagePatches.ts';
import { hasTarget, type FeatureModel } from '../features.ts';
import { classification, ranked } from './classification.ts';
import type { ProtocolResult } from './frozen.ts';
import { labelledBy } from './labelled.ts';

/** Images that go through the model at once. */
const chunk = 64;

/** Classes that the model tells apart. Throws InputError where it has no classifier. */
export function classesOf({ method, parameters }: Pick<FeatureModel, 'method' | 'parameters'>): number {
  if (method.name !== 'supervised' || !parameters.has('head.weight')) throw new InputError(`a model of the method ${method.name}${method.name === 'supervised' ? ' without a head' : ''} has no classifier: fine-tune it first (siamscope evaluate --protocol finetune), or measure its features (knn, few-shot, linear)`);
  return method.classes;
}

/** The logits [n, classes] of RGB images, [n, size, size, 3] bytes of the model's own size. Throws InputError as `classesOf` does. */
export async function classify(m: FeatureModel, pixels: Uint8Array, branch: Branch = 'online'): Promise<Float32Array> {
  const { imageSize, patchSize } = modelDimensions(m.model), classes = classesOf(m), method = methodOf(m.method);
  const bytes = imageSize * imageSize * 3, images = pixels.length / bytes;
  const logits = new Float32Array(images * classes);
  for (let from = 0; from < images; from += chunk) {
    const part = pixels.subarray(from * bytes, Math.min(images, from + chunk) * bytes);
    const rows = tf.tidy(() => withoutGradient(() => method.classify!(m.parameters, m.model, m.method, imagePatches(part, imageSize, patchSize), branch)));
    logits.set(await rows.data<'float32'>(), from * classes);
    rows.dispose();
  }
  return logits;
}

export interface DatasetLogits {
  /** [images, classes]; of unreadable images as for a black one. */
  logits: Float32Array;
  /** Places of images that could not be read. */
  unread: ReadonlySet<number>;
}

/** The logits of every image of a dataset by the evaluation crop (the shorter side to 256/224 of the size, then the middle). Throws InputError as `classesOf` does. */
export async function classifyDataset(m: FeatureModel, dataset: Dataset, branch: Branch = 'online'): Promise<DatasetLogits> {
  const classes = classesOf(m), unread = new Set<number>();
  const logits = new Float32Array(dataset.length * classes);
  const indices = Uint32Array.from({ length: dataset.length }, (_, i) => i);
  for await (const { start, pixels } of evaluationChunks(dataset, indices, m.model.imageSize, 'auto', (position) => unread.add(position))) logits.set(await classify(m, pixels, branch), start * classes);
  return { logits, unread };
}

/**
 * Measures a classifier on the labelled images of a source. Classes are numbered as those of `train`, the images that the classifier learned
 * from; null: as the test images' own. Throws InputError where there is no classifier, or their numbers differ.
 */
export async function classifyProtocol(m: FeatureModel, sources: { train: string | null; test: string }, branch: Branch, say: (text: string) => void): Promise<ProtocolResult> {
  const count = classesOf(m);
  const known = sources.train === null ? null : await openDataset(sources.train);
  const test = await openDataset(sources.test);
  const classes = (known ?? test).classes;
  if (classes.length === 0 || classes.length > count || (!known && classes.length !== count)) throw new InputError(`${(known ?? test).source} has ${classes.length} classes and the classifier ${count}: ${known ? 'give the images that it was trained on' : 'give the images that it was trained on too, with --data, which says which class is which'}`);
  const held = labelledBy(test, classes, (known ?? test).source);
  say(`test: ${held.labels.length} images`);
  const { logits, unread } = await classifyDataset(m, held.dataset, branch);
  const images = Array.from(held.labels.keys()).filter((i) => !unread.has(i));
  // A head may have spare outputs: they count as mistakes where they win, under names of their own.
  const names = Array.from({ length: count }, (_, i) => classes[i] ?? `output ${i}`);
  const all = ranked(logits, count), rankings = images.map((i) => all[i]!);
  return {
    protocol: 'classify', ...classification(rankings, Int32Array.from(images, (i) => held.labels[i]!), names),
    counts: { train: 0, test: images.length, classes: count, skipped: unread.size },
    settings: { weights: hasTarget(m) && branch === 'target' ? 'the moving average' : 'as trained', crop: 'shorter side to 256/224 of the size, then the middle' },
    predictions: rankings.map(([first]) => first!),
    tested: { dataset: held.dataset, images },
  };
}
