/** Which patch of one picture a model takes for which patch of another: two images, or views of one whose true matches are known. */
import { relativeGeometry, type Crop } from '../augment/geometry.ts';
import { imageDataset, loadImage } from '../data/image.ts';
import { InputError } from '../errors.ts';
import { methodOf } from '../methods/registry.ts';
import type { Branch } from '../methods/method.ts';
import { modelDimensions } from '../nn/model.ts';
import { addPck, matchPatches, pck, pckRates, trueMatches, type PatchMatches } from './correspondence.ts';
import { hasTarget, type FeatureModel } from './features.ts';
import { patchFeatures, predictedFeatures, type Layer, type PatchFeatures } from './layers.ts';
import { drawPairs } from './pairs.ts';

/** A picture as the model saw it, [size, size, 3] RGB. */
export interface Seen {
  size: number;
  pixels: Uint8Array;
}

export interface Correspondence {
  /** Patches a side: rows, columns. */
  grid: [number, number];
  a: Seen;
  b: Seen;
  /** [patches of A]: for each the most similar patch of B. */
  best: Int32Array;
  /** [patches of A]: the cosine of that match. */
  similarity: Float32Array;
  /** [patches of A]: 1 where the match's own best match is this patch. */
  mutual: Uint8Array;
  /** [patches of A, patches of B]: every cosine. */
  similarities: Float32Array;
  /** What is known of views of one image; null for two images. */
  measured: Measured | null;
}

export interface Measured {
  /** Of the pair that is shown: where each patch of A truly lies in B, (row, column) in patches, NaN where B does not hold it. */
  truth: Float32Array;
  pairs: number;
  pck: ReturnType<typeof pckRates>;
}

const rowsOf = ({ values, dimension }: PatchFeatures, image: number, patches: number): Float32Array => values.subarray(image * patches * dimension, (image + 1) * patches * dimension);

/** Every patch of A against B's, features of one image each. */
function match(a: PatchFeatures, b: PatchFeatures, image: number, patches: number): PatchMatches {
  return matchPatches(rowsOf(b, image, patches), rowsOf(a, image, patches), patches, a.dimension);
}

function described(m: FeatureModel, a: Uint8Array, b: Uint8Array, { best, mutual, similarity }: PatchMatches): Correspondence {
  const { grid, patches, imageSize: size } = modelDimensions(m.model);
  return { grid: [grid, grid], a: { size, pixels: a }, b: { size, pixels: b }, best, mutual, similarities: similarity, similarity: Float32Array.from(best, (column, row) => similarity[row * patches + column]!), measured: null };
}

/** The target's features where the method predicts them, else the online branch's own. */
const predictedBranch = (m: FeatureModel): Branch => (hasTarget(m) ? 'target' : 'online');

/**
 * A and B's features to compare: of one layer, or A's prediction for every place, from what `masks` leaves of it, beside what the target
 * branch sees there. Views may have other sizes than the model's images, and than each other, but for the prediction.
 */
export async function compared(m: FeatureModel, a: Uint8Array, b: Uint8Array, crops: [a: Crop, b: Crop][], branch: Branch, layer: Layer, masks: readonly Uint8Array[] | null = null): Promise<[PatchFeatures, PatchFeatures]> {
  const sideOfEach = (pixels: Uint8Array): number => Math.round(Math.sqrt(pixels.length / crops.length / 3));
  const [sizeA, sizeB] = [sideOfEach(a), sideOfEach(b)];
  if (layer.kind !== 'prediction') {
    const features = (pixels: Uint8Array): Promise<PatchFeatures> => patchFeatures(m, pixels, branch, layer, sideOfEach(pixels));
    return sizeA === sizeB ? together(a, b, (both) => patchFeatures(m, both, branch, layer, sizeA)) : [await features(a), await features(b)];
  }
  if (sizeA !== m.model.imageSize || sizeB !== sizeA) throw new InputError(`${m.method.name} predicts views of ${m.model.imageSize} pixels alone`);
  return Promise.all([predictedFeatures(m, a, crops.map(([from, to]) => relativeGeometry(from, to)), masks), patchFeatures(m, b, predictedBranch(m), methodOf(m.method).project ? { kind: 'projector' } : { kind: 'encoder' })]);
}

/** One pass over both, which takes less time than one over each where they are few. */
async function together(a: Uint8Array, b: Uint8Array, features: (pixels: Uint8Array) => Promise<PatchFeatures>): Promise<[PatchFeatures, PatchFeatures]> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  const { values, dimension } = await features(both);
  const split = values.length * (a.length / both.length);
  return [{ values: values.subarray(0, split), dimension }, { values: values.subarray(split), dimension }];
}

/** Two images. The prediction is that of B's patches from A, told that both were taken from the same place. */
export async function correspondImages(m: FeatureModel, pathA: string, pathB: string, branch: Branch, layer: Layer): Promise<Correspondence> {
  const { imageSize: size, patches } = modelDimensions(m.model);
  const [a, b] = await Promise.all([loadImage(pathA, size), loadImage(pathB, size)]);
  const whole: Crop = { top: 0, left: 0, height: size, width: size, flipped: false, imageWidth: size, imageHeight: size };
  const [featuresA, featuresB] = await compared(m, a, b, [[whole, whole]], branch, layer);
  return described(m, a, b, match(featuresA, featuresB, 0, patches));
}

/**
 * `count` pairs of views of one image with independent colours, the same for the same seed; the first one in detail, and PCK over all.
 * For the prediction, A's patches are the places of B: it is right where the feature predicted for a place of B is most like what B has there.
 */
export async function correspondViews(m: FeatureModel, path: string, count: number, seed: number, branch: Branch, layer: Layer): Promise<Correspondence> {
  const { grid, patches } = modelDimensions(m.model);
  const pairs = await drawPairs(imageDataset(path), m.model, count, seed);
  const crops = pairs.a.crops.map((crop, i): [Crop, Crop] => [crop, pairs.b.crops[i]!]);
  const [a, b] = await compared(m, pairs.a.pixels, pairs.b.pixels, crops, branch, layer);
  const truths = crops.map(([from, to]) => truthOf(from, to, grid, layer));
  const matches = crops.map((_, i) => match(a, b, i, patches));
  const bytes = pairs.a.pixels.length / count;
  return {
    ...described(m, pairs.a.pixels.subarray(0, bytes), pairs.b.pixels.subarray(0, bytes), matches[0]!),
    measured: { truth: truths[0]!, pairs: count, pck: pckRates(addPck(matches.map(({ best }, i) => pck(best, truths[i]!, grid)))) },
  };
}

/** Where A's patches, or for the prediction the places of B, truly lie in B; A has grid x grid patches, B gridB x gridB. */
export const truthOf = (a: Crop, b: Crop, grid: number, layer: Layer, gridB = grid): Float32Array => (layer.kind === 'prediction' ? seenPlaces(trueMatches(a, b, grid), grid) : trueMatches(b, a, gridB, grid));

/** Every place's own centre, where the other view holds it. */
const seenPlaces = (truth: Float32Array, grid: number): Float32Array => Float32Array.from(truth, (v, k) => (Number.isNaN(v) ? NaN : (k % 2 === 0 ? Math.floor((k >> 1) / grid) : (k >> 1) % grid) + 0.5));
