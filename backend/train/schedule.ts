/** How the learning rate and the target branch's momentum move over a run: pure functions of the step. */

/** The learning rate of a batch by the linear rule (Goyal et al., 2017): the base rate is for 256 images. */
export const scaledLearningRate = (base: number, imagesPerStep: number): number => (base * imagesPerStep) / 256;

export interface LearningRateSchedule {
  /** The highest rate, reached when the warm-up ends. */
  peak: number;
  /** The rate that the cosine ends at. */
  minimum: number;
  /** The rate that the warm-up begins with; left out: zero. */
  start?: number;
  warmupSteps: number;
  totalSteps: number;
  /** The cosine counts from the beginning, as if there were no warm-up (timm); left out: from the warm-up's end. */
  unshifted?: boolean;
}

/**
 * Linear warm-up, then half a cosine down to the minimum (Loshchilov and Hutter, 2017), as MAE's and SiameseIM's
 * code has them, step by step. `step` counts from 0: the first step of a warm-up has rate 0.
 */
export function learningRateAt({ peak, minimum, start = 0, warmupSteps, totalSteps, unshifted = false }: LearningRateSchedule, step: number): number {
  if (step < warmupSteps) return start + ((peak - start) * step) / warmupSteps;
  const first = unshifted ? 0 : warmupSteps;
  const progress = totalSteps > first ? (step - first) / (totalSteps - first) : 1;
  return minimum + (peak - minimum) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** The target branch's momentum: from its first value to its last by half a cosine (BYOL, Grill et al., 2020). `step` counts from 0. */
export function momentumAt([first, last]: readonly [number, number], step: number, totalSteps: number): number {
  return last - (last - first) * 0.5 * (1 + Math.cos((Math.PI * step) / totalSteps));
}

export interface Duration {
  epochs?: number | undefined;
  steps?: number | undefined;
  warmupEpochs?: number | undefined;
  warmupSteps?: number | undefined;
}

/** Optimizer steps of a run and of its warm-up. An epoch may have a fraction of a step left over, which counts on. */
export function scheduleSteps({ epochs, steps, warmupEpochs, warmupSteps }: Duration, stepsPerEpoch: number): { totalSteps: number; warmupSteps: number } {
  const totalSteps = steps ?? Math.max(1, Math.round((epochs ?? 0) * stepsPerEpoch));
  const warmup = warmupSteps ?? Math.round((warmupEpochs ?? 0) * stepsPerEpoch);
  return { totalSteps, warmupSteps: Math.min(warmup, totalSteps) };
}
