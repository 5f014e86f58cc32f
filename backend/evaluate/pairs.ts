/** Pairs of views whose true correspondence is known: two crops of one image with independent colours, the same for every method. */
import type { Crop } from '../augment/geometry.ts';
import type { OpSpec, ViewPlan } from '../augment/plan.ts';
import type { Dataset } from '../data/dataset.ts';
import { Loader } from '../data/loader.ts';
import type { ModelConfig } from '../nn/model.ts';

export interface ViewPairs {
  count: number;
  files: string[];
  /** Positions in the dataset. */
  indices: Uint32Array;
  /** View a and view b: [count, size, size, 3] RGB and where each was taken. */
  a: { pixels: Uint8Array; crops: Crop[] };
  b: { pixels: Uint8Array; crops: Crop[] };
}

const colours: OpSpec[] = [
  { op: 'horizontalFlip', p: 0.5 },
  { op: 'colorJitter', p: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 },
  { op: 'grayscale', p: 0.2 },
  { op: 'gaussianBlur', p: 0.5, sigma: [0.1, 2] },
];

/** Colours differ between the views, or an untrained network would match by colour alone. Crops of 0.3 and more overlap most of the time. */
export function pairPlan(model: ModelConfig): ViewPlan {
  const view = (name: string): ViewPlan['views'][number] => ({ name, size: model.imageSize, crop: { scale: [0.3, 1], ratio: [3 / 4, 4 / 3], interpolation: 'bicubic' }, ops: colours, mask: null });
  return { patchSize: model.patchSize, views: [view('a'), view('b')] };
}

const chunk = 32;

/** Draws `count` pairs from a dataset, the same ones for the same seed. Rejects with the signal's reason where it is aborted. */
export async function drawPairs(dataset: Dataset, model: ModelConfig, count: number, seed: number, signal?: AbortSignal): Promise<ViewPairs> {
  const batchSize = Math.min(chunk, count);
  const steps = Math.ceil(count / batchSize);
  const bytes = model.imageSize ** 2 * 3;
  const pairs: ViewPairs = { count, files: [], indices: new Uint32Array(count), a: { pixels: new Uint8Array(count * bytes), crops: [] }, b: { pixels: new Uint8Array(count * bytes), crops: [] } };
  const loader = new Loader({ source: dataset.source, dataset, plan: pairPlan(model), seed, batchSize, workers: 'auto', startStep: 0, steps });
  for await (const batch of loader) {
    signal?.throwIfAborted();
    const from = pairs.files.length;
    const kept = Math.min(batchSize, count - from);
    pairs.files.push(...batch.files.slice(0, kept));
    pairs.indices.set(batch.indices.subarray(0, kept), from);
    for (const [i, view] of [pairs.a, pairs.b].entries()) {
      view.pixels.set(batch.views[i]!.pixels.subarray(0, kept * bytes), from * bytes);
      view.crops.push(...batch.views[i]!.crops.slice(0, kept));
    }
  }
  return pairs;
}
