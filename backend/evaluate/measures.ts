/** The one table of what can be measured of a model as it is, for runs that measure themselves and for studies, and the images that it is measured on. */
import { openDataset, type Dataset } from '../data/dataset.ts';
import { InputError } from '../errors.ts';
import type { Branch } from '../methods/method.ts';
import { modelDimensions, type ModelConfig } from '../nn/model.ts';
import type { Measure } from '../protocol.ts';
import { centredSingularValues, rankOfSingularValues } from './components.ts';
import { pckRates } from './correspondence.ts';
import { imageVectors, type FeatureModel } from './features.ts';
import type { MeasureName } from './measureNames.ts';
import { drawPairs, type ViewPairs } from './pairs.ts';
import { loadLabelled, loadSample, neighboursOf, probeCorrespondence, probePrediction, type LabelledImages } from './probe.ts';
import { openLabelled } from './protocols/labelled.ts';

export interface MeasureSettings {
  measures: readonly MeasureName[];
  /** Training images that vote, and test images, at most. */
  images: number;
  pairs: number;
  neighbours: number;
  branch: Branch;
}

/** The images of a run, as they are asked about. */
export interface MeasuredSets {
  /** Those that nothing is trained on, where there are such. */
  held: Dataset;
  /** Null where either has no classes, or they are not needed. */
  labelled: { train: Dataset; test: Dataset; classes: number } | null;
}

/** Throws InputError where images or classes are not as they must be. Test images without classes do for all but neighbours. */
export async function openSets(data: { train: string; test: string | null }, measures: readonly MeasureName[]): Promise<MeasuredSets> {
  const held = await openDataset(data.test ?? data.train);
  if (held.length === 0) throw new InputError(`there are no images in ${held.source}: set ${data.test === null ? 'data.train' : 'data.test'}`);
  const isClassified = measures.includes('neighbours') && data.test !== null && held.classes.length > 0 && (await openDataset(data.train)).classes.length > 1;
  if (!isClassified) return { held, labelled: null };
  const { train, test, classes } = await openLabelled({ train: data.train, test: data.test! });
  return { held, labelled: { train: train.dataset, test: test.dataset, classes: classes.length } };
}

/** Decoded once, measured on again and again. */
export interface Material {
  /** The same for every run of these images and this model, so that runs are compared on equal terms. */
  pairs: ViewPairs | null;
  labelled: { train: LabelledImages; test: LabelledImages; classes: number } | null;
  /** [images, size, size, 3] RGB that the spectrum is of: the test images where they are there already. */
  sample: Uint8Array | null;
}

/** Decodes what the measures need. Rejects with the signal's reason where it is aborted. */
export async function loadMaterial({ held, labelled }: MeasuredSets, model: ModelConfig, { measures, images, pairs: count }: MeasureSettings, signal?: AbortSignal): Promise<Material> {
  const needsPairs = measures.includes('correspondence') || measures.includes('prediction');
  const classified = labelled && { train: await loadLabelled(labelled.train, model, images, signal), test: await loadLabelled(labelled.test, model, images, signal), classes: labelled.classes };
  return {
    labelled: classified,
    sample: !measures.includes('spectrum') ? null : (classified?.test.pixels ?? (await loadSample(held, model, images, signal))),
    pairs: needsPairs ? await drawPairs(held, model, Math.min(count, Math.max(8, held.length)), 1, signal) : null,
  };
}

interface Context extends Material {
  /** Mean patch features of images, [images, width]; computed once for all measures. */
  pooled: (pixels: Uint8Array) => Promise<Float32Array>;
  width: number;
  neighbours: number;
  branch: Branch;
  signal: AbortSignal | undefined;
}

const share = (id: string, name: string, value: number, chance: number | null): Measure => ({ id, name, value, chance, unit: 'share' });

const table: { [M in MeasureName]: (model: FeatureModel, context: Context) => Promise<Measure[]> } = {
  neighbours: async (_model, { labelled, pooled, width, neighbours, signal }) => {
    if (!labelled) return [];
    const { train, test, classes } = labelled;
    const { scores } = await neighboursOf({ features: await pooled(train.pixels), labels: train.labels }, { features: await pooled(test.pixels), labels: test.labels }, { dimension: width, classes, k: [neighbours] }, signal);
    return [share('knn_top1', 'k-NN', scores[0]!.top1.value, 1 / classes)];
  },
  correspondence: async (model, { pairs, branch, signal }) => {
    const { rates, chance } = pckRates((await probeCorrespondence(model, pairs!, branch, signal)).counts);
    return [share('pck_0', 'PCK@0', rates[0]!, chance[0]!), share('pck_1', 'PCK@1', rates[1]!, chance[1]!)];
  },
  prediction: async (model, { pairs, signal }) => {
    const counts = await probePrediction(model, pairs!, signal);
    if (!counts) return [];
    const { rates, chance } = pckRates(counts);
    return [share('prediction_0', 'prediction', rates[0]!, chance[0]!)];
  },
  spectrum: async (_model, { sample, pooled, width }) => {
    const singular = centredSingularValues(await pooled(sample!), width);
    const variance = singular.reduce((sum, value) => sum + value ** 2, 0);
    return [
      { id: 'centred_effective_rank', name: 'effective rank, centred', value: rankOfSingularValues(singular), chance: null, unit: 'number' },
      // Features that are all equal have no direction: none of theirs holds any variance.
      share('first_component', 'first component', variance > 0 ? singular[0]! ** 2 / variance : 0, null),
    ];
  },
};

/** Everything that is asked for and can be had. The engine is current already; the model stays as it is. Rejects with the signal's reason where it is aborted, and with RunError for features that are not finite. */
export async function measureModel(model: FeatureModel, material: Material, { measures, neighbours, branch }: MeasureSettings, signal?: AbortSignal): Promise<Measure[]> {
  const known = new Map<Uint8Array, Promise<Float32Array>>();
  const pooled = (pixels: Uint8Array): Promise<Float32Array> => {
    const features = known.get(pixels) ?? imageVectors(model, pixels, 'mean', branch, signal);
    known.set(pixels, features);
    return features;
  };
  const context: Context = { ...material, pooled, width: modelDimensions(model.model).width, neighbours, branch, signal };
  const found: Measure[] = [];
  for (const measure of new Set(measures)) found.push(...(await table[measure](model, context)));
  return found;
}
