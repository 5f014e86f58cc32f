/** The rates of one step, from the run's configuration: what its schedules come to. */
import { recipeOf } from '../methods/recipes.ts';
import type { StepRates, TrainingOpened } from '../protocol.ts';
import type { RunConfig } from './config.ts';
import { learningRateAt, momentumAt, scaledLearningRate } from './schedule.ts';

/** `step` counts from 0. A method without a target branch has momentum null. */
export function ratesAt({ optimizer, batch, schedule, method }: RunConfig, { totalSteps, warmupSteps, stepsPerEpoch }: Pick<TrainingOpened, 'totalSteps' | 'warmupSteps' | 'stepsPerEpoch'>, step: number): StepRates {
  const peak = scaledLearningRate(optimizer.baseLearningRate, batch.size * batch.accumulate);
  const { momentum, momentumPath, rates } = recipeOf(method);
  const range = momentum(method);
  const { weightDecay, weightDecayEnd } = optimizer;
  const byEpoch = schedule.cosine === 'by-epoch';
  const laidOut = totalSteps * schedule.stretch;
  return {
    learningRate: learningRateAt({ peak, minimum: schedule.minLearningRate, start: schedule.warmupLearningRate, warmupSteps, totalSteps: laidOut, unshifted: byEpoch }, byEpoch ? Math.floor(step / stepsPerEpoch) * stepsPerEpoch : step),
    weightDecay: weightDecayEnd === null ? weightDecay : momentumAt([weightDecay, weightDecayEnd], step, laidOut),
    momentum: range && (momentumPath === 'line' ? range[0] + ((range[1] - range[0]) * step) / totalSteps : momentumAt(range, step, totalSteps)),
    ...(rates && { method: rates(method, { step, totalSteps, epoch: Math.floor(step / stepsPerEpoch) }) }),
  };
}
