/** Fine-tuning by the published recipes: all of the encoder is trained on labelled images, as a run like any other, and the classifier is measured. */
import { InputError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import type { MethodConfig } from '../../methods/registry.ts';
import { transformerDimensions } from '../../nn/model.ts';
import type { RunEvent } from '../../protocol.ts';
import type { RunConfig } from '../../train/config.ts';
import { branchOf, positionsOf } from '../../train/initial.ts';
import { trainRun, type RunOutcome } from '../../train/loop.ts';
import { completeRun } from '../../train/runFile.ts';
import { scaledLearningRate } from '../../train/schedule.ts';
import { TrainingThread } from '../../train/trainingThread.ts';
import { openModel, type OpenedModel } from '../load.ts';
import { resizedModel } from '../resize.ts';
import { classifyProtocol } from './classify.ts';
import type { ProtocolResult } from './frozen.ts';
import { openLabelled, type LabelledSources } from './labelled.ts';

export const finetuneRecipes = ['mae', 'siamese', 'mocov3', 'beit', 'dino', 'ibot'] as const;
export type FinetuneRecipe = (typeof finetuneRecipes)[number];

interface Recipe {
  epochs: number;
  warmupEpochs: number;
  batch: number;
  /** For 256 images a step. */
  baseLearningRate: number;
  minLearningRate: number;
  warmupLearningRate: number;
  cosine: 'after-warmup' | 'by-epoch';
  layerDecay: number;
  pooling: 'mean' | 'class';
  trainPositions: boolean;
  dropPath: number;
  ema: number | null;
  repeats: number;
}

const mae: Recipe = { epochs: 100, warmupEpochs: 5, batch: 1024, baseLearningRate: 5e-4, minLearningRate: 1e-6, warmupLearningRate: 0, cosine: 'after-warmup', layerDecay: 0.65, pooling: 'mean', trainPositions: true, dropPath: 0.1, ema: null, repeats: 1 };

/** Shorter and with more stochastic depth, as the authors of MAE, BEiT and iBOT train their ViT-L. */
const large = { epochs: 50, warmupEpochs: 5, layerDecay: 0.75, dropPath: 0.2 };

/**
 * All have AdamW with weight decay .05, RandAugment, erasing, Mixup, CutMix and label smoothing; docs/evaluations.md says where each value is
 * from. iBOT's is its code's, BEiT's with the class token; DINO's own code fine-tunes nothing, and iBOT's authors fine-tuned it so.
 */
function recipeOf(name: FinetuneRecipe, width: number): Recipe {
  const isLarge = width >= 1024;
  switch (name) {
    case 'mae': return isLarge ? { ...mae, ...large, baseLearningRate: 1e-3 } : mae;
    case 'siamese': return { ...mae, baseLearningRate: 2.5e-4, trainPositions: false };
    case 'mocov3': return { ...mae, epochs: 150, baseLearningRate: 2.5e-4, minLearningRate: 1e-5, warmupLearningRate: 1e-6, cosine: 'by-epoch', layerDecay: 1, pooling: 'class', ema: 0.99996, repeats: 3 };
    case 'beit': return isLarge ? { ...mae, ...large, baseLearningRate: 2.5e-4 } : { ...mae, warmupEpochs: 20, baseLearningRate: 1e-3 };
    case 'dino': case 'ibot': return { ...mae, warmupEpochs: 20, baseLearningRate: 1e-3, pooling: 'class', ...(isLarge ? large : width < 768 && { epochs: 200, layerDecay: 0.75 }) };
  }
}

const recipeOfMethod: Record<Exclude<MethodConfig['name'], 'dvae'>, FinetuneRecipe> = { siamese: 'siamese', mae: 'mae', supervised: 'mae', mocov3: 'mocov3', densecl: 'mocov3', beit: 'beit', dino: 'dino', ibot: 'ibot', msn: 'ibot' };

export interface FinetuneSettings {
  /** null: that of the method's own paper. */
  recipe: FinetuneRecipe | null;
  /** null: the recipe's. */
  epochs: number | null;
  /** Images a step; null: the recipe's, or fewer where there are few. */
  batch: number | null;
  /** Of the images; null: the checkpoint's. */
  size: number | null;
  seed: number;
  /** The branch that training starts from; null: the one that the method's authors evaluate. */
  branch: Branch | null;
  heads?: number;
  engine: Partial<RunConfig['engine']>;
}

/** Steps that an epoch has at least where the recipe's batch is left to us: a thousand steps of a few images learn more than ten of many. */
const leastSteps = 16;
/** Images that are in memory at once at most. */
const mostAtOnce = { cpu: 64, other: 256 };

/** The greatest power of two that leaves an epoch enough steps, within the recipe. */
const fittingBatch = (most: number, images: number): number => Math.min(most, 2 ** Math.max(1, Math.floor(Math.log2(images / leastSteps))));

/** The run that fine-tunes a checkpoint, and what it is by name. Throws InputError where recipe, batch and images do not fit. */
export function finetuneRun(m: Pick<OpenedModel, 'model' | 'method' | 'parameters'>, checkpoint: string, name: string, sources: LabelledSources, { images, classes }: { images: number; classes: number }, device: string, settings: FinetuneSettings): { config: RunConfig; recipe: FinetuneRecipe } {
  const method = m.method.name;
  if (method === 'dvae') throw new InputError(`${checkpoint} is a tokenizer, which has no encoder to fine-tune: give a checkpoint of another method`);
  const recipe = settings.recipe ?? recipeOfMethod[method];
  const { batch: recipeBatch, epochs, warmupEpochs, ...r } = recipeOf(recipe, transformerDimensions(m.model).width);
  const batch = settings.batch ?? fittingBatch(recipeBatch, images);
  if (batch > images) throw new InputError(`${sources.train} has ${images} images, fewer than a batch of ${batch}: give a smaller --batch`);
  const most = Math.min(batch, device === 'cpu' ? mostAtOnce.cpu : mostAtOnce.other);
  let size = most;
  while (batch % size !== 0) size--;
  const length = settings.epochs ?? epochs;
  const config = completeRun({
    name, seed: settings.seed,
    data: { train: sources.train, test: sources.test, repeats: r.repeats },
    model: { ...m.model, dropPath: r.dropPath, ...(settings.size !== null && { imageSize: settings.size }) },
    method: { name: 'supervised', classes, pooling: r.pooling, layerDecay: r.layerDecay, positions: positionsOf(m.parameters) === 'learned' ? 'learned' : 'relative', trainPositions: r.trainPositions, ema: r.ema },
    initial: { checkpoint, branch: branchOf(m, settings.branch), ...(settings.heads !== undefined && { heads: settings.heads }) },
    optimizer: { baseLearningRate: r.baseLearningRate, betas: [0.9, 0.999], weightDecay: 0.05, clipNorm: null },
    // A shorter run warms up for as large a share.
    schedule: { epochs: length, warmupEpochs: (warmupEpochs * length) / epochs, minLearningRate: r.minLearningRate, warmupLearningRate: r.warmupLearningRate, cosine: r.cosine },
    batch: { size, accumulate: batch / size },
    engine: { ...settings.engine },
  }, { folder: '' });
  return { config, recipe };
}

export interface FinetuneContext {
  /** The run's; where it is there already, it is gone on with. */
  folder: string;
  /** What computes here, for measuring. */
  device: string;
  stop: AbortSignal;
  onEvent: (event: RunEvent) => void;
  say: (text: string) => void;
}

/** What was measured, or how the run ended before its end. */
export type FinetuneOutcome = { measured: ProtocolResult; model: OpenedModel } | { measured: null; run: RunOutcome };

/** Fine-tunes and measures; nothing is left of the given model. Throws InputError as `openLabelled` and `finetuneRun` do, or the run's own error where it fails. */
export async function finetuneProtocol(m: OpenedModel, checkpoint: string, name: string, sources: LabelledSources, settings: FinetuneSettings, { folder, device, stop, onEvent, say }: FinetuneContext): Promise<FinetuneOutcome> {
  const { train, classes } = await openLabelled(sources);
  const { config, recipe } = finetuneRun(m, checkpoint, name, sources, { images: train.labels.length, classes: classes.length }, device, settings);
  // What would be refused once the run has begun.
  const resized = settings.size === null ? m : resizedModel(m, settings.size);
  resized.parameters.dispose();
  const thread = new TrainingThread();
  let outcome: RunOutcome;
  try {
    outcome = await trainRun({ config, folder, resume: true, thread, stop, onEvent });
  } finally {
    await thread.close();
  }
  if (outcome.state === 'failed') throw outcome.error!;
  if (outcome.state === 'stopped') return { measured: null, run: outcome };
  const model = await openModel(folder);
  // DeiT, too, reports the weights themselves; the average is measured by --protocol classify --branch target.
  const result = await classifyProtocol(model, { ...sources, classes: null, allClasses: false }, 'online', say);
  const { optimizer, schedule, method, batch, data } = config;
  return {
    model,
    measured: {
      ...result, protocol: 'finetune', counts: { ...result.counts, train: train.labels.length, classes: classes.length },
      settings: {
        run: folder, recipe, startsFrom: config.initial!.branch, epochs: schedule.epochs, warmupEpochs: schedule.warmupEpochs, batch: batch.size * batch.accumulate, steps: outcome.step, learningRate: scaledLearningRate(optimizer.baseLearningRate, batch.size * batch.accumulate),
        ...(method.name === 'supervised' && { layerDecay: method.layerDecay, pooling: method.pooling, positions: method.positions, positionsTrained: method.trainPositions, movingAverage: method.ema }), dropPath: config.model.dropPath, weightDecay: optimizer.weightDecay, repeats: data.repeats, seed: config.seed, ...result.settings,
      },
    },
  };
}
