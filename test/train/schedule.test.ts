/** Learning rate and momentum over a run, against values worked out by hand. */
import { expect, test } from 'vitest';
import { SampleOrder } from '../../backend/data/order.ts';
import { ratesAt } from '../../backend/train/rates.ts';
import { completeRun } from '../../backend/train/runFile.ts';
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

test('DeiT moves its rate once an epoch, by a cosine that the warm-up does not shift: 9.993e-4 in epoch 5', () => {
  const config = completeRun({ preset: 'deit-vit-base', name: 'deit', data: { train: '.' } }, { folder: '' });
  const at = (step: number): number => ratesAt(config, { totalSteps: 3000, warmupSteps: 50, stepsPerEpoch: 10 }, step).learningRate;
  expect([0, 9, 10].map(at)).toEqual([1e-6, 1e-6, 1e-6 + (1e-3 - 1e-6) / 5].map((rate) => expect.closeTo(rate, 12) as number));
  expect(at(50)).toBeCloseTo(1e-5 + 0.5 * (1e-3 - 1e-5) * (1 + Math.cos((Math.PI * 5) / 300)), 12);
  expect(at(50).toExponential(3)).toBe('9.993e-4');
  expect(at(59)).toBe(at(50));
  expect(config.data.repeats).toBe(3);
});

test('repeated augmentation: each image three times in a row with other draws, an epoch of a third of the images', () => {
  const order = new SampleOrder(90, 9, 1, 3), slots = Array.from({ length: 10 }, (_, step) => Array.from({ length: 9 }, (_s, slot) => order.slot(step, slot))).flat();
  expect(order.stepsPerEpoch).toBe(10);
  slots.forEach((slot, i) => expect(order.stepOf(slot)).toBe(Math.floor(i / 9)));
  for (let i = 0; i < 90; i += 3) {
    expect(new Set(slots.slice(i, i + 3).map(({ index }) => index)).size).toBe(1);
    expect(slots.slice(i, i + 3).map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
  }
  expect(new Set(slots.map(({ index }) => index)).size).toBe(30);
  expect(order.slot(10, 0).epoch).toBe(3);
});
