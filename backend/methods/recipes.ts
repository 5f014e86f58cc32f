/** What a run needs to know of its method before there is a tensor: its options, its views, how its target branch follows. Free of TensorFlow.js, so that a run file is read at once. */
import { z } from 'zod';
import type { ViewPlan } from '../augment/plan.ts';
import type { ModelConfig } from '../nn/model.ts';
import { methodName } from '../protocol/methodNames.ts';
import { beitSchema, tokenizerLabels } from './beit.options.ts';
import { dvaeSchema } from './dvae.options.ts';
import { denseclSchema } from './densecl.options.ts';
import type { Draw } from '../nn/dropPath.ts';
import { dinoSchema, ibotSchema, type DinoOptions, type IbotOptions } from './dino.options.ts';
import { droppedPatches } from './droppedPatches.ts';
import { maeSchema } from './mae.options.ts';
import type { MaskUses } from './maskUse.ts';
import { mocov3Schema } from './mocov3.options.ts';
import { msnSchema } from './msn.options.ts';
import { siameseSchema } from './siamese.options.ts';
import { supervisedSchema } from './supervised.options.ts';
import { contrastedViews, densePair, focalViews, labelledView, maskedView, multiCrop, pairedViews, singleView, tokenizerView } from './views.ts';

export const methodSchema = z.discriminatedUnion('name', [siameseSchema, maeSchema, mocov3Schema, dinoSchema, ibotSchema, msnSchema, supervisedSchema, denseclSchema, beitSchema, dvaeSchema]).describe('What is trained, and its own options.');

export type MethodConfig = z.infer<typeof methodSchema>;

/** How far a run has come. */
export interface Progress {
  /** Steps done. */
  step: number;
  totalSteps: number;
  /** Whole passes over the images. */
  epoch: number;
}

export interface Recipe<C> {
  /** Whether it also trains a ResNet; left out: Vision Transformers alone. */
  trainsResNets?: true;
  /** The views of a sample, by the paper's recipe. */
  views(this: void, model: ModelConfig, options: C): ViewPlan;
  /** Momentum of the target branch at the first and last step; null where there is no target branch. */
  momentum(this: void, options: C): [number, number] | null;
  /** How the momentum goes from one to the other; left out: by half a cosine. */
  momentumPath?: 'line';
  /** What the method schedules itself, at a step that counts from 0: temperatures, what is frozen. */
  rates?(this: void, options: C, at: Progress): Record<string, number>;
  /** Fewest classes that the images must fit into; left out where a method needs none. */
  classes?(this: void, options: C): number;
  /** The loss of a model that tells no image from another; left out where there is none. `batch` is the images of one forward pass. */
  uniformLoss?(this: void, model: ModelConfig, options: C, batch: number): number | null;
  /** What of its options is to be named beside the method wherever its results are; left out: the method's name says it. */
  variant?(options: C): string | undefined;
  /** Which views may be masked; left out: none. */
  masks?(this: void, options: C): MaskUses;
  /** What of its own options does what a mask of a view would; left out where nothing does. */
  insteadOfMask?: string;
  /** Places in one view are mapped to places in another, so that nothing may move pixels after the crop. */
  mapsPlaces?: true;
  /** Patches that the method drops itself from the sample's views, the same places of all images of a batch: for each of the expanded views a mask, 1 is dropped, or null. Left out where it drops none. */
  dropped?(this: void, options: C, patches: readonly number[], draw: Draw): (Uint8Array | null)[];
  /** What helped others whose features collapsed, in the terms of a run file; left out where nothing of the method's own is known to. */
  remedy?: string;
}

/** A value that goes straight from its first to its last over the warm-up's epochs, and stays. */
const warmedUp = ([first, last]: readonly [number, number], warmupEpochs: number, epoch: number): number => (epoch >= warmupEpochs - 1 ? last : first + ((last - first) * epoch) / (warmupEpochs - 1));

/** Temperatures of the teacher by epoch, and whether the last layer is trained yet. */
const distillationRates = (options: DinoOptions | IbotOptions, { epoch }: Progress): Record<string, number> => ({
  teacher_temperature: warmedUp(options.teacherTemperature, options.temperatureWarmupEpochs, epoch),
  ...(options.name === 'ibot' && { teacher_patch_temperature: warmedUp(options.patchTemperature, options.temperatureWarmupEpochs, epoch) }),
  frozen_last_layer: epoch < options.freezeLastLayer ? 1 : 0,
});

const sharperTeacher = 'lower the last of method.teacherTemperature where targets are flat (0.02 helped), raise it where all images get one output; on few images begin method.momentum at 0.99; freeze the last layer for longer (method.freezeLastLayer)';

const recipes: { [N in MethodConfig['name']]: Recipe<Extract<MethodConfig, { name: N }>> } = {
  siamese: { remedy: 'raise method.lambda or use method.loss=unigrad, keep method.momentum near 1, and lower optimizer.baseLearningRate', mapsPlaces: true, views: pairedViews, masks: () => ({ online: { count: 'same' } }), momentum: (options) => (options.target === 'feature' ? options.momentum : null) },
  // Normalised patches have an unbiased variance of 1: predicting their mean costs 1 - 1/n of n values.
  mae: { views: singleView, masks: () => ({ online: { count: 'same', needed: true } }), momentum: () => null, uniformLoss: ({ patchSize }, { normalizePixels }) => (normalizePixels ? 1 - 1 / (3 * patchSize ** 2) : null) },
  dino: { remedy: sharperTeacher, views: multiCrop, insteadOfMask: 'method "ibot" is DINO that learns from masked patches as well', momentum: ({ momentum }) => momentum, rates: distillationRates, uniformLoss: (_model, { outputs }) => Math.log(outputs) },
  ibot: { remedy: `${sharperTeacher}; a longer warm-up, a higher method.momentum and a lower second of optimizer.betas are its authors\' advice`, views: multiCrop, masks: () => ({ global0: { count: 'any' }, global1: { count: 'any' } }), momentum: ({ momentum }) => momentum, rates: distillationRates },
  msn: {
    insteadOfMask: 'method.patchDrop is the share of its anchors\' patches that it drops itself',
    // Anchors, and what is as large as they are and follows them: one order of patches for all.
    dropped(options, patches, draw) {
      const count = patches[1], other = patches.findIndex((n, i) => i > 0 && n !== count);
      return patches.map((n, i) => (options.patchDrop === 0 || i === 0 || (other >= 0 && i >= other) ? null : droppedPatches(n, options.patchDrop, draw)));
    },
    remedy: 'raise method.spreadWeight: a rerun of the public code did best with 3 to 5, and method.sinkhornRounds=0', views: focalViews, momentum: ({ momentum }) => momentum, momentumPath: 'line', uniformLoss: (_model, { prototypes }) => Math.log(prototypes),
  },
  supervised: { views: labelledView, momentum: ({ ema }) => ema === null ? null : [ema, ema], classes: ({ classes }) => classes, uniformLoss: (_model, { classes }) => Math.log(classes) },
  densecl: { trainsResNets: true, remedy: 'begin with method.denseWeight=0 for some ten thousand steps; the loss of a healthy run rises at first, as the queue fills with keys', views: densePair, momentum: ({ momentum }) => momentum, uniformLoss: (_model, { queueLength }) => Math.log(1 + queueLength) },
  beit: { views: maskedView, masks: () => ({ online: { count: 'any', needed: true } }), variant: ({ tokenizer }) => tokenizerLabels[tokenizer], momentum: () => null, uniformLoss: (_model, { vocabulary }) => Math.log(vocabulary) },
  dvae: { remedy: 'a higher method.temperature spreads the codes', views: tokenizerView, momentum: () => null },
  mocov3: { variant: ({ mask }) => (mask === 'none' ? undefined : 'with mask'), remedy: 'keep method.trainPatchEmbed=false, its authors\' cure for instability, lower optimizer.baseLearningRate and lengthen the warm-up; with method.loss=unigrad raise method.lambda', views: contrastedViews, masks: ({ mask }): MaskUses => (mask === 'none' ? {} : { first: { count: 'same', together: true }, second: { count: 'same', together: true } }), insteadOfMask: 'method.mask "random" or "block" masks both views', momentum: ({ momentum }) => momentum, uniformLoss: (_model, { loss, temperature }, batch) => (loss === 'contrastive' && batch > 1 ? 4 * temperature * Math.log(batch) : null) },
};

/** The recipe of the method that a run file names. */
export const recipeOf = (config: MethodConfig): Recipe<MethodConfig> => recipes[config.name];

/** The method as results name it: with what of its options must be known to read them. */
export const methodLabel = (config: MethodConfig): string => [methodName(config.name), recipeOf(config).variant?.(config)].filter((part) => part !== undefined).join(', ');
