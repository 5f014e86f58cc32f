/** After which steps a run measures its model. */
import type { RunConfig } from './config.ts';

/** A run's length in steps, and of an epoch, which need not be whole. */
export interface RunLength {
  totalSteps: number;
  stepsPerEpoch: number;
}

/** Steps from one evaluation to the next, not always whole; null: never. */
function interval({ everyEpochs, everySteps }: RunConfig['evaluate'], { stepsPerEpoch }: RunLength): number | null {
  return everySteps ?? (everyEpochs === null ? null : everyEpochs * stepsPerEpoch);
}

/** How many intervals end by the step; a product such as .3 x 10 may be a hair above the whole number that it is. */
const ended = (step: number, every: number): number => Math.floor(step / every + 1e-9);

/** Whether the model is measured when so many steps are finished: before the first, after the last, and wherever an interval ends. */
export function isEvaluated(config: RunConfig['evaluate'], length: RunLength, step: number): boolean {
  const every = interval(config, length);
  return every !== null && (step === 0 || step === length.totalSteps || ended(step, every) > ended(step - 1, every));
}

/** How often it will be measured after this step. */
export function evaluationsAfter(config: RunConfig['evaluate'], length: RunLength, step: number): number {
  const every = interval(config, length), { totalSteps } = length;
  if (every === null || step >= totalSteps) return 0;
  // An interval shorter than a step ends more than once in it.
  const onTheWay = every < 1 ? totalSteps - step : ended(totalSteps, every) - ended(step, every);
  const lastIsOnTheWay = ended(totalSteps, every) > ended(totalSteps - 1, every);
  return onTheWay + (lastIsOnTheWay ? 0 : 1);
}
