/** How a classifier holds out against the fifteen corruptions of ImageNet-C (CIFAR-10-C for small images), which are made as images are read. */
import type { CorruptionName, Level } from '../../augment/corruptions/names.ts';
import { scaleOf, storedQuality } from '../../augment/corruptions/registry.ts';
import { corruptedChunks, evaluationChunks } from '../../data/evaluation.ts';
import { InputError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import type { FeatureModel } from '../features.ts';
import { wilson } from '../rates.ts';
import { classification } from './classification.ts';
import { evaluationCrop } from './classify.ts';
import { summarize, type CorruptionErrors, type Robustness } from './corruptionError.ts';
import type { ProtocolResult } from './frozen.ts';
import { classifierRecognizer, neighboursRecognizer, type Head } from './recognizer.ts';
import type { ClassSources } from './testedClasses.ts';

export interface RobustnessSettings {
  corruptions: readonly CorruptionName[];
  levels: readonly Level[];
  head: Head;
  /** That vote, where neighbours do. */
  neighbours: number;
  seed: number;
}

/** One test image at some levels of a corruption, RGB [size, size, 3]. */
export interface CorruptedExample {
  corruption: CorruptionName;
  levels: { level: Level; pixels: Uint8Array }[];
}

/** The shares at the top are of the images as they are. */
export interface RobustnessResult extends ProtocolResult {
  robustness: Robustness;
  examples: { size: number; corruptions: CorruptedExample[] };
}

/** Long measurements say where they are as often as this. */
const sayEveryMilliseconds = 10_000;

/** Measures on the labelled images of a source, as they are and corrupted. Throws InputError as the recognizers do, and where no image can be read. */
export async function robustnessProtocol(m: FeatureModel, sources: ClassSources, branch: Branch, settings: RobustnessSettings, say: (text: string) => void): Promise<RobustnessResult> {
  const { corruptions, levels, head, neighbours, seed } = settings, size = m.model.imageSize;
  const recognizer = head === 'knn' ? await neighboursRecognizer(m, sources, branch, neighbours, say) : await classifierRecognizer(m, sources, branch);
  const { held: { dataset, labels }, names } = recognizer;
  const scale = scaleOf(size), unread = new Set<number>();
  say(`test: ${labels.length} images of ${names.length} classes, ${corruptions.length} corruptions at ${levels.length} levels`);
  const ranks: number[][] = [];
  for await (const { pixels } of evaluationChunks(dataset, labels.map((_, i) => i), size, 'auto', (position) => unread.add(position))) ranks.push(...(await recognizer.rank(pixels)));
  const images = Array.from(labels.keys()).filter((i) => !unread.has(i));
  if (images.length === 0) throw new InputError(`${dataset.source} has no image that can be read`);
  const truth = Int32Array.from(images, (i) => labels[i]!), rankings = images.map((i) => ranks[i]!);
  const clean = classification(rankings, truth, names);
  say(`as they are: ${percent(1 - clean.top1.value)} error`);
  const errors: CorruptionErrors[] = [], examples: CorruptedExample[] = [];
  let wrong: number[] = [], told = Date.now();
  for await (const { name, start, count, levels: corrupted } of corruptedChunks(dataset, images, size, corruptions, { levels, seed })) {
    if (start === 0) {
      wrong = levels.map(() => 0);
      examples.push({ corruption: name, levels: levels.map((level, l) => ({ level, pixels: corrupted[l]!.slice(0, size * size * 3) })) });
    }
    for (const [l, pixels] of corrupted.entries()) for (const [i, [first]] of (await recognizer.rank(pixels)).entries()) wrong[l]! += Number(first !== truth[start + i]);
    if (start + count === images.length) {
      errors.push({ corruption: name, levels: levels.map((level, l) => ({ level, error: wilson(wrong[l]!, images.length) })) });
      say(`${name} (${errors.length} of ${corruptions.length}): ${wrong.map((mistaken) => percent(mistaken / images.length)).join(', ')} error`);
    } else if (Date.now() - told > sayEveryMilliseconds) say(`${name}: ${start + count} of ${images.length} images`);
    else continue;
    told = Date.now();
  }
  const isImageNet = size === 224 && names.length === 1000 && names.every((name) => /^n\d{8}$/.test(name));
  return {
    protocol: 'robustness', ...clean,
    counts: { train: recognizer.trained, test: images.length, classes: names.length, skipped: unread.size },
    settings: { ...recognizer.settings, corruptions, levels, seed, crop: evaluationCrop, constants: scale === 'imagenet-c' ? 'ImageNet-C\'s, for 224 pixels' : 'CIFAR-10-C\'s, for 32 pixels', stored: storedQuality[scale] === null ? 'as computed' : `as JPEG of quality ${storedQuality[scale]}, like the published images` },
    robustness: summarize(clean.top1, errors, isImageNet),
    predictions: rankings.map(([first]) => first!),
    tested: { dataset, images },
    examples: { size, corruptions: examples },
  };
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
