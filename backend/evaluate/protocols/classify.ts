/** A classifier as it is, such as a supervised or fine-tuned model: its logits, and what share of images it tells the class of. */
import * as tf from '@tensorflow/tfjs-core';
import { evaluationChunks } from '../../data/evaluation.ts';
import type { Dataset } from '../../data/dataset.ts';
import { InputError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import { methodOf } from '../../methods/registry.ts';
import { modelDimensions } from '../../nn/model.ts';
import { withoutGradient } from '../../ops/gradients.ts';
import { imagePatches } from '../../ops/imagePatches.ts';
import { hasTarget, type FeatureModel } from '../features.ts';
import { classification, ranked } from './classification.ts';
import type { ProtocolResult } from './frozen.ts';
import { scoresOf, testedClasses, type ClassSources } from './testedClasses.ts';

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

/** Measures a classifier on the labelled images of a source. Throws InputError where there is no classifier, or as `testedClasses` does. */
export async function classifyProtocol(m: FeatureModel, sources: ClassSources, branch: Branch, say: (text: string) => void): Promise<ProtocolResult> {
  const count = classesOf(m);
  const { held, names, outputs, about } = await testedClasses(sources, count);
  say(`test: ${held.labels.length} images; classes: ${about}`);
  const { logits, unread } = await classifyDataset(m, held.dataset, branch);
  const images = Array.from(held.labels.keys()).filter((i) => !unread.has(i));
  const all = ranked(scoresOf(logits, count, outputs), outputs.length), rankings = images.map((i) => all[i]!);
  return {
    protocol: 'classify', ...classification(rankings, Int32Array.from(images, (i) => held.labels[i]!), names),
    counts: { train: 0, test: images.length, classes: names.length, skipped: unread.size },
    settings: { weights: weightsOf(m, branch), crop: evaluationCrop, classes: about },
    predictions: rankings.map(([first]) => first!),
    tested: { dataset: held.dataset, images },
  };
}

export const evaluationCrop = 'shorter side to 256/224 of the size, then the middle';
export const weightsOf = (m: FeatureModel, branch: Branch): string => (hasTarget(m) && branch === 'target' ? 'the moving average' : 'as trained');
