/** A run that measures itself: when, that nothing of the training is touched, and that measuring in parts finds the same and can be ended. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { centredSingularValues } from '../../backend/evaluate/components.ts';
import { imageFeatures } from '../../backend/evaluate/features.ts';
import { classifyByNeighbours, classifyInParts } from '../../backend/evaluate/knn.ts';
import { loadMaterial, measureModel, openSets, type MeasureSettings } from '../../backend/evaluate/measures.ts';
import { measureNames } from '../../backend/evaluate/measureNames.ts';
import { modelDimensions } from '../../backend/nn/model.ts';
import { Random } from '../../backend/random.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { evaluationsAfter, isEvaluated } from '../../backend/train/evaluations.ts';
import { Evaluator } from '../../backend/train/evaluator.ts';
import { Learner } from '../../backend/train/learner.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { photos } from '../cli/command.ts';

beforeAll(() => openEngine({ engine: 'wasm' }));

const config = completeRun({ preset: 'tiny', name: 'measured', data: { train: photos, test: photos }, model: { imageSize: 32, patchSize: 8, width: 16, depth: 1 }, evaluate: { everySteps: 1, images: 24, pairs: 9, neighbours: 3 } }, { folder: '' });
const settings: MeasureSettings = config.evaluate;

test.each([
  [{ everySteps: 3 }, { totalSteps: 14, stepsPerEpoch: 5 }, [0, 3, 6, 9, 12, 14]],
  [{ everySteps: 7 }, { totalSteps: 14, stepsPerEpoch: 5 }, [0, 7, 14]],
  [{ everyEpochs: 1 }, { totalSteps: 10, stepsPerEpoch: 2.5 }, [0, 3, 5, 8, 10]],
  // .3 x 10 is 3 and a little.
  [{ everyEpochs: 0.3 }, { totalSteps: 10, stepsPerEpoch: 10 }, [0, 3, 6, 9, 10]],
  [{ everyEpochs: 0.1 }, { totalSteps: 4, stepsPerEpoch: 2 }, [0, 1, 2, 3, 4]],
  [{ everyEpochs: 100 }, { totalSteps: 4, stepsPerEpoch: 2 }, [0, 4]],
  [{}, { totalSteps: 4, stepsPerEpoch: 2 }, []],
])('%j in a run of %j: after steps %j', (every, length, expected) => {
  const evaluate = { ...config.evaluate, everySteps: null, everyEpochs: null, ...every };
  const steps = Array.from({ length: length.totalSteps + 1 }, (_, step) => step);
  const due = steps.filter((step) => isEvaluated(evaluate, length, step));
  expect(due).toEqual(expected);
  for (const step of steps) expect(evaluationsAfter(evaluate, length, step), `after ${step}`).toBe(due.filter((later) => later > step).length);
});

test('both intervals are refused', () => {
  expect(() => completeRun({ preset: 'tiny', name: 'x', data: { train: '.' }, evaluate: { everySteps: 2, everyEpochs: 1 } }, { folder: '' })).toThrow('exclude each other');
});

async function bits(learner: Learner): Promise<string> {
  const tensors = [...learner.modelTensors(), ...learner.optimizerTensors()];
  return (await Promise.all(tensors.map(async ({ name, read }) => `${name} ${Buffer.from(Float32Array.from(await read()).buffer).toString('base64')}`))).join('\n');
}

test('between two steps it leaves every bit and every tensor as it was', async () => {
  const evaluator = (await Evaluator.open(config))!;
  expect(evaluator.notes).toEqual([]);
  const plain = Learner.create(config), measured = Learner.create(config);
  let tensors = 0;
  const found: Record<string, number>[] = [];
  for (const seed of [1, 2, 3]) {
    const batch = randomBatch(config.model, config.method, 4, seed);
    const rates = { learningRate: 1e-2, weightDecay: 0.05, momentum: 0.9 };
    const before = tf.memory().numTensors;
    const { measures } = (await evaluator.measure(measured.parameters))!;
    expect(tf.memory().numTensors).toBe(before);
    found.push(Object.fromEntries(measures.map(({ id, value }) => [id, value])));
    expect(await measured.step([batch], rates)).toEqual(await plain.step([batch], rates));
    if (seed > 1) expect(tf.memory().numTensors).toBe(tensors);
    tensors = tf.memory().numTensors;
  }
  expect(await bits(measured)).toBe(await bits(plain));
  expect(Object.keys(found[0]!)).toEqual(['knn_top1', 'pck_0', 'pck_1', 'prediction_0', 'centred_effective_rank', 'first_component']);
  // The images vote on themselves: nothing is nearer than the image itself, and most are right.
  expect(found[0]!.knn_top1).toBeGreaterThan(0.3);
  expect(found[2]).not.toEqual(found[0]);
  const again = (await evaluator.measure(measured.parameters))!.measures;
  expect((await evaluator.measure(measured.parameters))!.measures).toEqual(again);
  plain.dispose();
  measured.dispose();
});

test('what it finds of the spectrum is that of the features, their mean taken off', async () => {
  const learner = Learner.create(config);
  const model = { model: config.model, method: config.method, parameters: learner.parameters };
  const material = await loadMaterial(await openSets(config.data, ['spectrum']), config.model, { ...settings, measures: ['spectrum'] });
  expect([material.pairs, material.labelled]).toEqual([null, null]);
  const [rank, first] = await measureModel(model, material, { ...settings, measures: ['spectrum'] });
  const { width } = modelDimensions(config.model);
  const { pooled } = await imageFeatures(model, material.sample!);
  const count = pooled.length / width;
  expect(count).toBe(24);
  const mean = Array.from({ length: width }, (_, d) => Array.from({ length: count }, (_, i) => pooled[i * width + d]!).reduce((a, b) => a + b) / count);
  // The variance along the first direction, by power iteration; the total is the sum over columns.
  let direction = mean.map((_, d) => 1 + d);
  let power = 0;
  for (let i = 0; i < 500; i++) {
    const next = mean.map(() => 0);
    for (let row = 0; row < count; row++) {
      const along = direction.reduce((sum, v, d) => sum + v * (pooled[row * width + d]! - mean[d]!), 0);
      direction.forEach((_, d) => (next[d]! += along * (pooled[row * width + d]! - mean[d]!)));
    }
    power = Math.hypot(...next);
    direction = next.map((v) => v / power);
  }
  const total = pooled.reduce((sum, v, i) => sum + (v - mean[i % width]!) ** 2, 0);
  expect(first).toMatchObject({ id: 'first_component', unit: 'share', chance: null });
  expect(first!.value).toBeCloseTo(power / total, 5);
  expect(rank).toMatchObject({ id: 'centred_effective_rank', unit: 'number' });
  const singular = centredSingularValues(pooled, width);
  const shares = singular.map((s) => s / singular.reduce((a, b) => a + b));
  expect(rank!.value).toBeCloseTo(Math.exp(-shares.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0)), 6);
  expect(singular.reduce((sum, s) => sum + s * s, 0) / total).toBeCloseTo(1, 5);
  learner.dispose();
});

test('images without classes, and none to test on, leave out k-NN and say so', async () => {
  const bare = { ...config, data: { ...config.data, test: null } };
  const evaluator = (await Evaluator.open(bare))!;
  expect(evaluator.notes).toEqual([expect.stringContaining('without k-NN: data.test names no test images')]);
  const learner = Learner.create(config);
  expect((await evaluator.measure(learner.parameters))!.measures.map(({ id }) => id)).not.toContain('knn_top1');
  learner.dispose();
  expect(await Evaluator.open({ ...config, evaluate: { ...config.evaluate, everySteps: null } })).toBeNull();
});

test('k-NN in parts finds what it finds at once, and an aborted one ends', async () => {
  const random = new Random(11);
  const [dimension, classes] = [6, 4];
  const set = (count: number) => ({ features: Float32Array.from({ length: count * dimension }, () => random.normal()), labels: Int32Array.from({ length: count }, () => random.integer(0, classes - 1)) });
  const [train, held] = [set(90), set(300)];
  const options = { dimension, classes, k: [1, 5] };
  expect(await classifyInParts(train, held, options, new AbortController().signal)).toEqual(classifyByNeighbours(train, held, options));
  const abort = new AbortController();
  const ended = classifyInParts(train, held, options, abort.signal);
  abort.abort(new Error('enough'));
  await expect(ended).rejects.toThrow('enough');
});

test.each(measureNames)('%s can be ended while it measures, and leaves no tensor behind', async (measure) => {
  const learner = Learner.create(config);
  const before = tf.memory().numTensors;
  const evaluator = (await Evaluator.open({ ...config, evaluate: { ...config.evaluate, measures: [measure] } }))!;
  // Once with the images to be decoded, once with them there.
  const first = evaluator.measure(learner.parameters);
  evaluator.cancel();
  expect(await first).toBeNull();
  expect((await evaluator.measure(learner.parameters))!.measures.length).toBeGreaterThan(0);
  const second = evaluator.measure(learner.parameters);
  evaluator.cancel();
  expect(await second).toBeNull();
  expect(tf.memory().numTensors).toBe(before);
  learner.dispose();
});
