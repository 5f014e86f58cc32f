/** Images that the correspondence view compares: of a run's own data, or of what the user points at; opened once, and again where they changed. */
import { stat } from 'node:fs/promises';
import type { Crop } from '../augment/geometry.ts';
import { openDataset, type Dataset } from '../data/dataset.ts';
import { imageDataset, loadSample, sampleDataset } from '../data/image.ts';
import { traceSample } from '../data/trace.ts';
import { InputError } from '../errors.ts';
import { runOf } from '../evaluate/load.ts';
import { pairPlan } from '../evaluate/pairs.ts';
import type { ModelConfig } from '../nn/model.ts';
import type { ImageAt, ImageSource } from '../protocol.ts';

/** Two pictures as the model sees them, and where each was taken from its image. */
export interface Views {
  a: Uint8Array;
  b: Uint8Array;
  crops: [a: Crop, b: Crop];
  nameA: string;
  nameB: string;
}

/** Opening reads every name of a folder: the last few are kept, by path and when it was written. */
const kept = new Map<string, Promise<Dataset>>();
const mostKept = 4;
const imageEnding = /\.(jpe?g|jfif|png|webp|avif|tiff?|gif|bmp)$/i;

export const countImages = async (source: ImageSource): Promise<{ count: number }> => ({ count: (await openImages(source)).length });

/** Rejects with InputError where there are none. */
export async function openImages(source: ImageSource): Promise<Dataset> {
  const path = source.kind === 'path' ? source.path : (await runOf(source.checkpoint)).data.train;
  const info = await stat(path).catch(() => null);
  // What lies inside an archive has no time of its own.
  const name = `${path}\n${info?.mtimeMs ?? ''}`;
  const known = kept.get(name);
  if (known) return known;
  const opened = info?.isFile() && imageEnding.test(path) ? Promise.resolve(imageDataset(path)) : openDataset(path);
  kept.set(name, opened);
  opened.catch(() => kept.delete(name));
  if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
  return opened;
}

/** The pair that `siamscope correspond` draws first of this image for this seed. */
export async function drawViews(dataset: Dataset, index: number, model: ModelConfig, seed: number): Promise<Views> {
  const { views, file } = await traceSample(sampleDataset(dataset, inRange(dataset, index)), pairPlan(model), { seed, epoch: 0, index: 0 });
  const [a, b] = views;
  return { a: a!.pixels, b: b!.pixels, crops: [a!.crop, b!.crop], nameA: file, nameB: file };
}

/** Both images by the evaluation crop. */
export async function wholeImages(a: ImageAt, b: ImageAt, size: number): Promise<Views> {
  const whole: Crop = { top: 0, left: 0, height: size, width: size, flipped: false, imageWidth: size, imageHeight: size };
  const [setA, setB] = await Promise.all([openImages(a.source), openImages(b.source)]);
  const [pixelsA, pixelsB] = await Promise.all([loadSample(setA, inRange(setA, a.index), size), loadSample(setB, inRange(setB, b.index), size)]);
  return { a: pixelsA, b: pixelsB, crops: [whole, whole], nameA: setA.file(a.index), nameB: setB.file(b.index) };
}

function inRange({ length, source }: Dataset, index: number): number {
  if (index >= length) throw new InputError(`there is no image ${index + 1} in ${source}: it has ${length}`);
  return index;
}
