/** The rates of one step, from the run's configuration: what its schedules come to. */
import { recipeOf } from '../methods/recipes.ts';
import type { StepRates, TrainingOpened } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import { learningRateAt, momentumAt, scaledLearningRate } from './schedule.ts';

/** `step` counts from 0. A method without a target branch has momentum null. */
export function ratesAt({ optimizer, batch, schedule, method }: RunConfig, { totalSteps, warmupSteps }: Pick<TrainingOpened, 'totalSteps' | 'warmupSteps'>, step: number): StepRates {
  const peak = scaledLearningRate(optimizer.baseLearningRate, batch.size * batch.accumulate);
  const range = recipeOf(method).momentum(method);
  return {
    learningRate: learningRateAt({ peak, minimum: schedule.minLearningRate, warmupSteps, totalSteps }, step),
    weightDecay: optimizer.weightDecay,
    momentum: range && momentumAt(range, step, totalSteps),
  };
}
