/** A step that fails must leave the model as it was: the checkpoint saved then, and the step taken again, are those of a run without the failure. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { methodOf } from '../../backend/methods/registry.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { Learner } from '../../backend/train/learner.ts';
import { completeRun } from '../../backend/train/runFile.ts';

beforeAll(() => openEngine({ engine: 'wasm' }));

const config = completeRun({ preset: 'tiny', name: 'learner', data: { train: '.' } }, { folder: '' });
const rates = { learningRate: 1e-3, weightDecay: 0.05, momentum: 0.9 };

async function values(learner: Learner): Promise<Record<string, Float32Array>> {
  const read = async (tensors: ReturnType<Learner['modelTensors']>): Promise<[string, Float32Array][]> => Promise.all(tensors.map(async ({ name, read }) => [name, Float32Array.from(await read())] as [string, Float32Array]));
  return Object.fromEntries([...(await read(learner.modelTensors())), ...(await read(learner.optimizerTensors()))]);
}

test('a step whose loss is not finite, taken again, gives the same bits as one that did not fail', async () => {
  const [first, second] = [1, 2].map((seed) => randomBatch(config.model, config.method, 4, seed));
  const smooth = Learner.create(config), rough = Learner.create(config);
  for (const learner of [smooth, rough]) await learner.step([first!], rates);
  const before = await values(rough);

  // The method's own loss, spoiled once it has been computed.
  const method = methodOf(config.method);
  const forward = method.forward.bind(method);
  const tensors = tf.memory().numTensors;
  method.forward = (...args) => {
    const output = forward(...args);
    return { ...output, loss: tf.mul(output.loss, NaN) };
  };
  try {
    await expect(rough.step([second!], rates)).rejects.toThrow(/the loss is not finite/);
  } finally {
    method.forward = forward;
  }
  const failed = await values(rough);
  const changed = Object.keys(failed).filter((name) => !Buffer.from(failed[name]!.buffer).equals(Buffer.from(before[name]!.buffer)));
  expect(changed.filter((name) => !name.startsWith('mm_') && name !== 'target_updates')).toEqual([]);
  expect(changed).toContain('target_updates');

  for (const learner of [smooth, rough]) await learner.step([second!], rates);
  const [a, b] = [await values(smooth), await values(rough)];
  for (const name of Object.keys(a)) expect(Buffer.from(b[name]!.buffer).equals(Buffer.from(a[name]!.buffer)), name).toBe(true);
  const running = Object.keys(a).find((name) => name.endsWith('running_mean'))!;
  expect(a[running]!.some((v) => v !== 0)).toBe(true);
  expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors + 2);
  smooth.dispose();
  rough.dispose();
});
