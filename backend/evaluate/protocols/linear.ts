/** Linear classification of frozen features, trained on augmented images by the published recipes of MAE, MoCo-v3 and DINO. */
import type { ViewPlan } from '../../augment/plan.ts';
import { Loader } from '../../data/loader.ts';
import { RunError } from '../../errors.ts';
import type { Branch } from '../../methods/method.ts';
import type { MethodConfig } from '../../methods/registry.ts';
import { modelDimensions } from '../../nn/model.ts';
import { learningRateAt, scaledLearningRate } from '../../train/schedule.ts';
import { imageVectors, vectorKinds, vectorWidth, type FeatureModel, type VectorKind } from '../features.ts';
import { classification } from './classification.ts';
import { labelledVectors, type ProtocolResult } from './frozen.ts';
import { openLabelled, type LabelledSources } from './labelled.ts';
import { LinearHead } from './linearHead.ts';

export const linearRecipes = ['mae', 'mocov3', 'dino'] as const;
export type LinearRecipe = (typeof linearRecipes)[number];

interface Recipe {
  epochs: number;
  batch: number;
  /** For 256 images a step. */
  baseLearningRate: number;
  optimizer: 'lars' | 'sgd';
  batchNorm: boolean;
  interpolation: 'bicubic' | 'bilinear';
  /** Share of the steps. */
  warmup: number;
  /** The cosine moves once an epoch instead of at every step. */
  byEpoch: boolean;
  features: (m: FeatureModel) => VectorKind;
}

const recipes: Record<LinearRecipe, Recipe> = {
  // SiameseIM's encoder has no final norm; its paper pools the patches.
  mae: { epochs: 90, batch: 16384, baseLearningRate: 0.1, optimizer: 'lars', batchNorm: true, interpolation: 'bicubic', warmup: 10 / 90, byEpoch: false, features: ({ method }) => (method.name === 'siamese' ? 'mean-norm' : 'class') },
  mocov3: { epochs: 90, batch: 1024, baseLearningRate: 3, optimizer: 'sgd', batchNorm: false, interpolation: 'bilinear', warmup: 0, byEpoch: true, features: () => 'class' },
  // DINO's ViT-S is read from four blocks, its ViT-B from the last with the patches' mean.
  dino: { epochs: 100, batch: 1024, baseLearningRate: 0.001, optimizer: 'sgd', batchNorm: false, interpolation: 'bilinear', warmup: 0, byEpoch: true, features: ({ model }) => (modelDimensions(model).width < 768 ? 'last-four' : 'class-and-mean') },
};

const recipeOfMethod: Record<MethodConfig['name'], LinearRecipe> = { siamese: 'mae', mae: 'mae', beit: 'mae', dvae: 'mae', supervised: 'mae', mocov3: 'mocov3', densecl: 'mocov3', dino: 'dino', ibot: 'dino', msn: 'dino' };

export interface LinearSettings {
  /** null: that of the method's own paper. */
  recipe: LinearRecipe | null;
  /** null: the recipe's. */
  epochs: number | null;
  /** Images a step; null: the recipe's, or all where there are fewer. */
  batch: number | null;
  seed: number;
}

/** Features are made of so many images at once at most. */
const mostAtOnce = 64;

/** Trains on all labelled images of one source and ranks the classes of those of the other. Throws InputError as `openLabelled` does, RunError where the loss is not finite. */
export async function linearProtocol(m: FeatureModel, sources: LabelledSources, branch: Branch, settings: LinearSettings, say: (text: string) => void): Promise<ProtocolResult> {
  const { train, test, classes } = await openLabelled(sources);
  const name = settings.recipe ?? recipeOfMethod[m.method.name], recipe = recipes[name];
  const epochs = settings.epochs ?? recipe.epochs, batch = settings.batch ?? Math.min(recipe.batch, train.labels.length);
  const kind = recipe.features(m), dimension = vectorWidth(m.model, kind);
  const skipped: string[] = [];
  const held = await labelledVectors(m, test, kind, branch, skipped, say);
  const stepsPerEpoch = train.labels.length / batch, steps = Math.max(1, Math.round(epochs * stepsPerEpoch));
  const peak = scaledLearningRate(recipe.baseLearningRate, batch), warmupSteps = Math.round(recipe.warmup * steps);
  say(`${train.name}: ${train.labels.length} images, ${steps} steps of ${batch}`);
  const warning = larsWarning(recipe, epochs, train.labels.length);
  if (warning !== null) say(warning);
  const head = new LinearHead({ dimension, classes: classes.length, batchNorm: recipe.batchNorm, optimizer: recipe.optimizer, seed: settings.seed });
  // Batches of any size are put together of parts that are loaded and encoded in one go.
  const part = partOf(batch), parts = batch / part;
  const { imageSize, patchSize } = modelDimensions(m.model);
  const plan: ViewPlan = { patchSize, views: [{ name: 'view', size: imageSize, crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], interpolation: recipe.interpolation }, ops: [{ op: 'horizontalFlip', p: 0.5 }], mask: null }] };
  const loader = new Loader({ source: train.dataset.source, dataset: train.dataset, plan, seed: settings.seed, batchSize: part, workers: 'auto', startStep: 0, steps: steps * parts });
  const features = new Float32Array(batch * dimension), labels = new Int32Array(batch);
  let step = 0, filled = 0, loss = NaN, told = 0;
  try {
    for await (const { views, labels: own } of loader) {
      features.set(await imageVectors(m, views[0]!.pixels, kind, branch), filled * dimension);
      labels.set(own!, filled);
      filled += part;
      if (filled < batch) continue;
      filled = 0;
      const at = recipe.byEpoch ? Math.floor(step / stepsPerEpoch) * stepsPerEpoch : step;
      loss = await head.step(features, labels, learningRateAt({ peak, minimum: 0, warmupSteps, totalSteps: steps }, at));
      if (!Number.isFinite(loss)) throw new RunError(`the classifier's loss is ${loss} at step ${step + 1} of ${steps}: the features or their scale do not suit the recipe ${name}; try another with --recipe`);
      step++;
      if (step === steps || step >= told + steps / 10) say(`step ${(told = step)} of ${steps}: loss ${loss.toFixed(3)}`);
    }
    const rankings = await head.rankings(held.features);
    return {
      protocol: 'linear', ...classification(rankings, held.labels, classes),
      counts: { train: train.labels.length, test: held.labels.length, classes: classes.length, skipped: skipped.length + loader.skippedCount },
      settings: { recipe: name, epochs, batch, steps, warmupSteps, learningRate: peak, optimizer: recipe.optimizer, batchNorm: recipe.batchNorm, seed: settings.seed, loss, features: vectorKinds[kind], warning },
      predictions: rankings.map(([first]) => first!),
      tested: { dataset: test.dataset, images: held.images },
    };
  } finally {
    await loader.close();
    head.dispose();
  }
}

/** A step of LARS moves the weights by the rate times .001 of their norm, ten times that with its momentum: few images leave them about where they began. */
function larsWarning({ optimizer, baseLearningRate }: Recipe, epochs: number, images: number): string | null {
  const moved = (epochs * images * (baseLearningRate / 256) * 0.01) / 2;
  return optimizer === 'lars' && moved < 3 ? `this recipe is made for a million images: with ${images} the classifier moves by at most ${moved.toPrecision(2)} of its length and learns too little. Give --recipe mocov3, or more --epochs` : null;
}

/** The greatest number that divides the batch and can be encoded at once. */
function partOf(batch: number): number {
  for (let size = Math.min(mostAtOnce, batch); ; size--) if (batch % size === 0) return size;
}
