/** Whether a run is well: collapse and divergence named when they happen, from the latest rows alone, with cause and cure. */
import type { HealthFinding, HealthKind, MetricsRow } from '../protocol.ts';
import { recipeOf } from '../methods/recipes.ts';
import type { RunConfig } from './config.ts';

export interface HealthLimits {
  /** Steps in a row that must look bad. */
  patience: number;
  minFeatureStd: number;
  minEffectiveRank: number;
  /** The loss of a prediction that does not depend on the image; null where the method has no such value. */
  uniformLoss: number | null;
  /** What helps against collapse of this method; null: nothing of its own. */
  remedy: string | null;
}

/** Rows that `assessHealth` needs to see: more are not looked at. */
export const healthWindow = (patience: number): number => 10 * patience;

/** Of the uniform loss; random images differ by more. */
const uniformShare = 0.005;
/** Nats; a batch of n images can have ln n. */
const leastInformation = 0.01;
/** Equally frequent codes: with fewer, all patches are told by one. */
const fewestCodes = 1.5;
const divergenceFactor = 2;
const vanishedGradient = 1e-8;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const short = (value: number): string => String(Number(value.toPrecision(3)));

const alsoTry = (remedy: string | null): string => (remedy === null ? '' : `; ${remedy}`);

type Rule = (recent: readonly MetricsRow[], rows: readonly MetricsRow[], limits: HealthLimits) => Omit<HealthFinding, 'kind' | 'step'> | null;

/** Every recent row has the metric, below the limit. */
const allBelow = (rows: readonly MetricsRow[], metric: string, limit: number): boolean => rows.every((row) => (row[metric] ?? Infinity) < limit);

const rules: Record<HealthKind, Rule> = {
  'feature-collapse': (recent, _rows, { minFeatureStd, remedy }) =>
    allBelow(recent, 'target_information', leastInformation)
      ? {
          summary: `targets have collapsed: they tell images apart by ${short(recent.at(-1)!.target_information!)} nats (below ${leastInformation}), with an entropy of ${short(recent.at(-1)!.target_entropy ?? NaN)}`,
          cause: 'the target branch gives every image the same distribution: a flat one (the loss is then the logarithm of its size), or always the same output',
          advice: remedy ?? 'warm up for longer, keep method.momentum as in the recipe, and lower optimizer.baseLearningRate',
        }
      : allBelow(recent, 'feature_std', minFeatureStd)
      ? {
          summary: `features have collapsed: their standard deviation is ${short(recent.at(-1)!.feature_std!)} (below ${minFeatureStd})`,
          cause: 'all patches of all images get nearly the same feature, which makes the prediction trivially right',
          advice: remedy ?? 'warm up for longer and lower optimizer.baseLearningRate; check that images and augmentations differ',
        }
      : null,
  'rank-collapse': (recent, _rows, { minEffectiveRank, remedy }) =>
    allBelow(recent, 'effective_rank', minEffectiveRank)
      ? {
          summary: `features have collapsed to one direction: their effective rank is ${short(recent.at(-1)!.effective_rank!)} (below ${minEffectiveRank})`,
          cause: 'features vary along a single direction, such as brightness or position, and hold little else',
          advice: `use larger batches, and check that augmentations and masks are on${alsoTry(remedy)}`,
        }
      : null,
  'code-collapse': (recent, rows, { patience, remedy }) =>
    rows.length >= 5 * patience && allBelow(recent, 'code_perplexity', fewestCodes)
      ? {
          summary: `codes have collapsed: nearly all patches get the same one (a perplexity of ${short(recent.at(-1)!.code_perplexity!)}, below ${fewestCodes})`,
          cause: 'the decoder paints every patch alike, so that telling them apart brings nothing',
          advice: `lower optimizer.baseLearningRate or lengthen the warm-up; check that the images differ${alsoTry(remedy)}`,
        }
      : null,
  'uniform-loss': (recent, rows, { uniformLoss, patience, remedy }) =>
    uniformLoss !== null && rows.length >= 5 * patience && recent.every(({ loss }) => Math.abs(loss - uniformLoss) < uniformShare * uniformLoss)
      ? {
          summary: `the loss stays at ${short(uniformLoss)}, that of a prediction which does not look at the image`,
          cause: 'the model predicts the same for every image',
          advice: `raise optimizer.baseLearningRate or lengthen the warm-up; check that the images differ and can be told apart${alsoTry(remedy)}`,
        }
      : null,
  divergence: (recent, rows, { patience }) => {
    const now = median(recent.map(({ loss }) => loss));
    let best = Infinity;
    for (let end = rows.length - patience; end >= patience; end -= patience) best = Math.min(best, median(rows.slice(end - patience, end).map(({ loss }) => loss)));
    return best > 0 && Number.isFinite(best) && now > divergenceFactor * best
      ? {
          summary: `the loss diverges: ${short(now)}, after ${short(best)}`,
          cause: 'steps are too large for the loss around them',
          advice: 'go back to an earlier checkpoint with a lower optimizer.baseLearningRate, a longer warm-up, or a smaller optimizer.clipNorm',
        }
      : null;
  },
  'vanishing-gradient': (recent) =>
    allBelow(recent, 'grad_norm', vanishedGradient)
      ? {
          summary: `the gradient has vanished: its norm is ${short(recent.at(-1)!.grad_norm)}`,
          cause: 'nothing that is trained has an effect on the loss any more',
          advice: 'the run will not recover: go back to an earlier checkpoint with a lower optimizer.baseLearningRate',
        }
      : null,
};

/** What is wrong after the last of `rows` (in the order of steps; at least the last `healthWindow`); nothing where there are fewer rows than patience. */
export function assessHealth(rows: readonly MetricsRow[], limits: HealthLimits): HealthFinding[] {
  const { patience } = limits;
  if (rows.length < patience) return [];
  const window = rows.slice(-healthWindow(patience));
  const recent = window.slice(-patience);
  const step = recent.at(-1)!.step;
  return Object.entries(rules).flatMap(([kind, rule]) => {
    const finding = rule(recent, window, limits);
    return finding ? [{ kind: kind as HealthKind, step, ...finding }] : [];
  });
}

/** What is known to help against collapse of the run's method. */
export const remedyOf = ({ method }: Pick<RunConfig, 'method'>): string | null => recipeOf(method).remedy ?? null;

/** The loss of a prediction that does not depend on the image; null where the method has no such value. */
export const uniformLossOf = ({ method, model, batch }: Pick<RunConfig, 'method' | 'model' | 'batch'>): number | null => recipeOf(method).uniformLoss?.(model, method, batch.size) ?? null;
