/** Images that the correspondence view compares: of a run's own data, or of what the user points at; opened once, and again where they changed. */
import { stat } from 'node:fs/promises';
import type { Crop } from '../augment/geometry.ts';
import { drawMask } from '../augment/masks.ts';
import { expandViews, gridOf, type ViewPlan } from '../augment/plan.ts';
import { openDataset, type Dataset } from '../data/dataset.ts';
import { imageDataset, loadSample, sampleDataset } from '../data/image.ts';
import { traceSample, type TracedView } from '../data/trace.ts';
import { InputError } from '../errors.ts';
import { runOf, type OpenedModel } from '../evaluate/load.ts';
import { trainingPlan } from '../evaluate/looks.ts';
import { droppedAt } from '../train/dropped.ts';
import { pairPlan } from '../evaluate/pairs.ts';
import type { ImageAt, ImageSource, PairChoice } from '../protocol.ts';
import { Random } from '../random.ts';

/** Two pictures as the model sees them, where each was taken from its image, and what training hides of it. */
export interface Views {
  /** [size, size, 3] RGB. */
  a: Uint8Array;
  b: Uint8Array;
  sizes: [a: number, b: number];
  crops: [a: Crop, b: Crop];
  /** [patches], 1 is hidden; null: nothing. */
  masks: [a: Uint8Array | null, b: Uint8Array | null];
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

export type ViewChoice = Pick<PairChoice, 'seed' | 'views'>;

/** Two views of the plan that training draws by, of this image for this seed; without a choice the pair that `siamscope correspond` draws first, whose first view has a mask as the recipe draws it. Rejects with InputError where there is no such view. */
export async function drawViews(dataset: Dataset, index: number, m: OpenedModel, { seed, views: chosen }: ViewChoice): Promise<Views> {
  const sample = sampleDataset(dataset, inRange(dataset, index));
  const own = trainingPlan(m);
  const plan = chosen ? own : pairPlan(m.model);
  const places = chosen ? [chosen.a, chosen.b].map((name) => placeOf(plan, name)) : [0, 1];
  const { views, file } = await traceSample(sample, plan, { seed, epoch: 0, index: 0 });
  const [a, b] = places.map((place) => views[place]!) as [TracedView, TracedView];
  const dropped = chosen ? droppedAt(plan, m.method, { seed, step: 0, micro: 0 }) : [];
  const [maskA, maskB] = chosen ? places.map((place) => views[place]!.mask ?? dropped[place] ?? null) : [recipeMask(m, own, seed), null];
  return { a: a.pixels, b: b.pixels, sizes: [a.size, b.size], crops: [a.crop, b.crop], masks: [maskA ?? null, maskB ?? null], nameA: file, nameB: file };
}

function placeOf(plan: ViewPlan, name: string): number {
  const names = expandViews(plan).map((view) => view.name);
  const place = names.indexOf(name);
  if (place < 0) throw new InputError(`training takes no view ${name}: it has ${names.join(', ')}`);
  return place;
}

/** A mask as the first view that has one draws it, for a picture of the model's size. */
export function recipeMask({ model }: Pick<OpenedModel, 'model'>, plan: ViewPlan, seed: number): Uint8Array | null {
  const view = expandViews(plan).find(({ mask, size }) => mask && mask.kind !== 'none' && size === model.imageSize);
  return view?.mask ? drawMask(new Random(seed), gridOf(view, plan.patchSize), view.mask) : null;
}

/** Both images by the evaluation crop. */
export async function wholeImages(a: ImageAt, b: ImageAt, m: OpenedModel, seed: number): Promise<Views> {
  const size = m.model.imageSize;
  const whole: Crop = { top: 0, left: 0, height: size, width: size, flipped: false, imageWidth: size, imageHeight: size };
  const [setA, setB] = await Promise.all([openImages(a.source), openImages(b.source)]);
  const [pixelsA, pixelsB] = await Promise.all([loadSample(setA, inRange(setA, a.index), size), loadSample(setB, inRange(setB, b.index), size)]);
  return { a: pixelsA, b: pixelsB, sizes: [size, size], crops: [whole, whole], masks: [recipeMask(m, trainingPlan(m), seed), null], nameA: setA.file(a.index), nameB: setB.file(b.index) };
}

function inRange({ length, source }: Dataset, index: number): number {
  if (index >= length) throw new InputError(`there is no image ${index + 1} in ${source}: it has ${length}`);
  return index;
}
