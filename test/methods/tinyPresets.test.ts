/** Every method learns by its tiny recipe: the loss of one batch falls, every trained parameter moves, what watches for collapse is there, and a checkpoint goes on to the bit. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { recipeOf } from '../../backend/methods/recipes.ts';
import { presetNames } from '../../backend/presets/index.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { Learner, type NamedTensor } from '../../backend/train/learner.ts';
import { ratesAt } from '../../backend/train/rates.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { testEngines } from '../helpers/engines.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const names = presetNames.filter((name) => /(^|-)tiny$/.test(name));
const folder = temporaryFolder();
const steps = 10, batchSize = 8;
const schedule = { totalSteps: 600, warmupSteps: 0, stepsPerEpoch: 8 };

/** Steps that fill DenseCL's queue, before which its loss rises: random directions are easier to tell from an image than other images. */
const queued = 2;
const smaller = (preset: string) => (preset.includes('resnet') ? { baseWidth: 4 } : { width: 32, heads: 2, depth: 2, dropPath: 0.1 });
const configured = (preset: string) => completeRun({ preset, name: 'tiny', data: { train: '.' }, model: smaller(preset), ...(preset.startsWith('densecl') && { method: { name: 'densecl', queueLength: queued * batchSize } }), optimizer: { baseLearningRate: 0.03 } }, { folder: '' });

async function written(path: string, tensors: NamedTensor[]) {
  await writeSafetensors(path, tensors.map(({ name, shape, read }) => ({ name, shape, dtype: 'F32' as const, data: read })), {});
  return openTensorFile(path);
}

for (const engine of await testEngines(['torch'])) {
  if (engine.precision !== 'fp32') continue;
  describe(`${engine.name} ${engine.precision}`, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test.each(names)('%s', async (name) => {
      const config = configured(name);
      const batch = randomBatch(config.model, config.method, batchSize, 1);
      const rates = (step: number) => ({ ...ratesAt(config, schedule, step), momentum: recipeOf(config.method).momentum(config.method)?.[0] ?? 0 });
      const learner = Learner.create(config), resumed = Learner.create({ ...config, seed: 0 });
      const before = new Map<string, Float32Array>();
      for (const { name: parameter, read } of learner.modelTensors()) before.set(parameter, Float32Array.from(await read()));
      const reports = [];
      for (let step = 0; step < steps; step++) reports.push(await learner.step([batch], rates(step)));
      // Methods with a target of their own chase it: what falls is the loss of the first steps' target.
      const losses = reports.map(({ loss }) => loss);
      expect(losses.every(Number.isFinite), losses.join(' ')).toBe(true);
      const first = config.method.name === 'densecl' ? queued : 0;
      expect(Math.min(...losses.slice(first + 1)), losses.join(' ')).toBeLessThan(losses[first]!);
      const still = [];
      for (const { spec, variable } of learner.parameters.trainable) if (Buffer.from((await variable.data()).buffer).equals(Buffer.from(before.get(spec.name)!.buffer))) still.push(spec.name);
      expect(still).toEqual([]);
      const metrics = Object.keys(reports[0]!.metrics);
      expect(metrics.some((metric) => ['feature_std', 'target_information', 'code_perplexity'].includes(metric)), metrics.join(' ')).toBe(true);

      const model = await written(join(folder, `${name}.model.safetensors`), learner.modelTensors()), optimizer = await written(join(folder, `${name}.optimizer.safetensors`), learner.optimizerTensors());
      await resumed.load(model, optimizer);
      await Promise.all([model.close(), optimizer.close()]);
      for (const one of [learner, resumed]) await one.step([batch, batch], rates(steps));
      const values = async (one: Learner) => Promise.all([...one.modelTensors(), ...one.optimizerTensors()].map(async ({ name: tensor, read }) => `${tensor} ${Buffer.from(Float32Array.from(await read()).buffer).toString('base64')}`));
      expect(await values(resumed)).toEqual(await values(learner));
      learner.dispose();
      resumed.dispose();
    });
  });
}
