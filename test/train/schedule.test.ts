/** Learning rate and momentum over a run, against values worked out by hand. */
import { expect, test } from 'vitest';
import { learningRateAt, momentumAt, scaledLearningRate, scheduleSteps } from '../../backend/train/schedule.ts';

test('the linear rule: the paper\'s 6.25e-5 a 256 images is 1e-3 at a batch of 4096', () => {
  expect(scaledLearningRate(6.25e-5, 4096)).toBe(1e-3);
  expect(scaledLearningRate(6.25e-5, 128 * 32)).toBe(1e-3);
  expect(scaledLearningRate(1.5e-4, 64)).toBe(3.75e-5);
});

test('linear from zero, the peak when the warm-up ends, half a cosine to the minimum', () => {
  const schedule = { peak: 1, minimum: 0.1, warmupSteps: 4, totalSteps: 12 };
  const rates = Array.from({ length: 12 }, (_, step) => learningRateAt(schedule, step));
  expect(rates.slice(0, 5)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  // A quarter, half and three quarters of the way: (1 + cos) / 2 = 0.8535..., 0.5, 0.1464...
  expect(rates[6]).toBeCloseTo(0.1 + 0.9 * 0.8535533905932737, 14);
  expect(rates[8]).toBeCloseTo(0.55, 14);
  expect(rates[10]).toBeCloseTo(0.1 + 0.9 * 0.14644660940672627, 14);
  expect(learningRateAt(schedule, 12)).toBeCloseTo(0.1, 14);
});

test('no warm-up begins at the peak; a warm-up as long as the run never leaves the line', () => {
  expect(learningRateAt({ peak: 2, minimum: 0, warmupSteps: 0, totalSteps: 10 }, 0)).toBe(2);
  expect(learningRateAt({ peak: 2, minimum: 0, warmupSteps: 10, totalSteps: 10 }, 9)).toBeCloseTo(1.8, 14);
});

test('momentum rises from 0.995 to 1 by half a cosine', () => {
  expect(momentumAt([0.995, 1], 0, 100)).toBe(0.995);
  expect(momentumAt([0.995, 1], 50, 100)).toBeCloseTo(0.9975, 14);
  expect(momentumAt([0.995, 1], 25, 100)).toBeCloseTo(1 - 0.005 * 0.8535533905932737, 14);
  expect(momentumAt([0.995, 1], 100, 100)).toBe(1);
});

test('epochs become steps, fractions of a step counted on', () => {
  expect(scheduleSteps({ epochs: 1600, warmupEpochs: 40 }, 312.5)).toEqual({ totalSteps: 500_000, warmupSteps: 12_500 });
  expect(scheduleSteps({ steps: 40, warmupSteps: 4 }, 2.5)).toEqual({ totalSteps: 40, warmupSteps: 4 });
  expect(scheduleSteps({ epochs: 0.001 }, 10)).toEqual({ totalSteps: 1, warmupSteps: 0 });
  expect(scheduleSteps({ steps: 10, warmupSteps: 50 }, 1)).toEqual({ totalSteps: 10, warmupSteps: 10 });
});
