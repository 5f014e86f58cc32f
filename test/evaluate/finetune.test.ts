/** Fine-tuning through the command: a tiny MAE is taken over whole, learns its images, is measured, is measured again without training anew, and outlives what interrupts it. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { openEngine } from '../../backend/engines/choose.ts';
import { exportBackbone } from '../../backend/evaluate/export.ts';
import { encoderTokens, type FeatureModel } from '../../backend/evaluate/features.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { finetuneRun } from '../../backend/evaluate/protocols/finetune.ts';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { imagePatches } from '../../backend/ops/imagePatches.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { initialiseEncoder } from '../../backend/train/initial.ts';
import { Learner } from '../../backend/train/learner.ts';
import { rowsOf, run, start, statusOf, type Result } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');
const checkpoint = reference('mae-0');
const images = join(folder, 'images'), [train, held] = [join(images, 'train'), join(images, 'test')];

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
  await generateImages(images, { classes: ['boat', 'flower'], perClass: 24, testPerClass: 12, size: 64, seed: 5 });
});

const settings = { recipe: null, epochs: null, batch: 8, size: null, seed: 0, branch: null, engine: {} };

test('the encoder is the checkpoint\'s, the classifier begins at nothing, and rates fall from block to block', async () => {
  const model = await openModel(checkpoint);
  const { config, recipe } = finetuneRun(model, checkpoint, 'run', { train, test: held }, { images: 48, classes: 2 }, 'cpu', settings);
  expect(recipe).toBe('mae');
  expect(config).toMatchObject({ optimizer: { baseLearningRate: 5e-4, betas: [0.9, 0.999], weightDecay: 0.05 }, schedule: { epochs: 100, warmupEpochs: 5, minLearningRate: 1e-6 }, model: { dropPath: 0.1 }, method: { layerDecay: 0.65, pooling: 'mean', mixup: 0.8, cutmix: 1, erasing: 0.25, randAugment: 9, labelSmoothing: 0.1 } });
  const learner = Learner.create(config);
  await initialiseEncoder(learner.parameters, config, config.initial!);
  const depth = learner.parameters.specs.filter(({ name }) => /^blocks\.\d+\.attn\.qkv\.weight$/.test(name)).length;
  for (const { name, learningRateScale } of learner.parameters.specs) {
    const block = /^blocks\.(\d+)\./.exec(name);
    const layer = /^(cls_token|pos_embed|patch_embed)/.test(name) ? 0 : block ? Number(block[1]) + 1 : depth + 1;
    expect(learningRateScale, name).toBeCloseTo(0.65 ** (depth + 1 - layer), 12);
    if (/^(head|fc_norm)/.test(name)) continue;
    expect(await learner.parameters.get(name).data(), name).toEqual(await model.parameters.get(name).data());
  }
  // A head of standard deviation 2e-5 tells no class from another, however images are mixed: the first loss is ln 2.
  const { loss } = await learner.step([randomBatch(config.model, config.method, 8, 1)], { learningRate: 0, weightDecay: 0, momentum: 0 });
  expect(Math.abs(loss - Math.LN2)).toBeLessThan(2e-3);
  learner.dispose();
  await expect(initialiseEncoder(learner.parameters, { model: { ...config.model, depth: 1 } }, config.initial!)).rejects.toThrow(/has depth .* set model\.depth/);
  model.parameters.dispose();
});

test.each([
  ['dino-1', 32, { baseLearningRate: 1e-3, epochs: 200, warmupEpochs: 20, layerDecay: 0.75, pooling: 'class', dropPath: 0.1 }],
  ['ibot-0', 768, { baseLearningRate: 1e-3, epochs: 100, warmupEpochs: 20, layerDecay: 0.65, pooling: 'class', dropPath: 0.1 }],
  ['ibot-0', 1024, { baseLearningRate: 1e-3, epochs: 50, warmupEpochs: 5, layerDecay: 0.75, pooling: 'class', dropPath: 0.2 }],
  ['beit-0', 768, { baseLearningRate: 1e-3, epochs: 100, warmupEpochs: 20, layerDecay: 0.65, pooling: 'mean', dropPath: 0.1 }],
  ['beit-0', 1024, { baseLearningRate: 2.5e-4, epochs: 50, warmupEpochs: 5, layerDecay: 0.75, pooling: 'mean', dropPath: 0.2 }],
  ['mae-0', 1024, { baseLearningRate: 1e-3, epochs: 50, warmupEpochs: 5, layerDecay: 0.75, pooling: 'mean', dropPath: 0.2 }],
  ['mocov3-mask-0', 768, { baseLearningRate: 2.5e-4, epochs: 150, warmupEpochs: 5, layerDecay: 1, pooling: 'class', dropPath: 0.1 }],
])('the recipe of %s\'s method for width %i', async (name, width, expected) => {
  const model = await openModel(reference(name));
  const { config } = finetuneRun({ ...model, model: { ...model.model, width, heads: 4 } }, reference(name), 'run', { train, test: held }, { images: 1e6, classes: 1000 }, 'cuda', { ...settings, batch: null });
  const { baseLearningRate, epochs, warmupEpochs, dropPath, ...method } = expected;
  expect(config).toMatchObject({ batch: { size: 256, accumulate: 4 }, optimizer: { baseLearningRate, weightDecay: 0.05 }, schedule: { epochs, warmupEpochs }, model: { dropPath }, method });
  expect(config.initial!.branch).toBe(/dino|ibot/.test(name) ? 'target' : 'online');
  model.parameters.dispose();
});

test('BEiT: the bias that all blocks share becomes each block\'s own, and the encoder gives the same tokens; shared, it stays one', async () => {
  const model = await openModel(reference('beit-0'));
  const { config, recipe } = finetuneRun(model, reference('beit-0'), 'run', { train, test: held }, { images: 48, classes: 2 }, 'cpu', settings);
  expect(recipe).toBe('beit');
  expect(config).toMatchObject({ model: { layerScale: 0.1 }, method: { name: 'supervised', positions: 'relative', pooling: 'mean', layerDecay: 0.65 } });
  const { views: [view] } = randomBatch(config.model, config.method, 4, 1);
  const tokensOf = async (m: FeatureModel): Promise<Float32Array> => {
    let last: tf.Tensor | null = null;
    const tokens = encoderTokens(m, imagePatches(view!.pixels, view!.size, config.model.patchSize), 'online', (x) => (last = x));
    const values = (await last!.data<'float32'>()).slice();
    tokens.dispose();
    return values;
  };
  const expected = await tokensOf(model);
  for (const positions of ['relative', 'relative-shared'] as const) {
    const method = { ...config.method, positions } as typeof config.method;
    const learner = Learner.create({ ...config, method });
    const names = learner.parameters.specs.map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('relative_position_bias_table'))).toEqual(positions === 'relative' ? [0, 1].map((i) => `blocks.${i}.attn.relative_position_bias_table`) : ['rel_pos_bias.relative_position_bias_table']);
    expect(names).not.toContain('pos_embed');
    await initialiseEncoder(learner.parameters, config, config.initial!);
    // The final norm is not taken over: the mean of patch tokens has a new one.
    expect(await tokensOf({ model: config.model, method, parameters: learner.parameters })).toEqual(expected);
    learner.dispose();
  }
  const learned = Learner.create({ ...config, method: { ...config.method, positions: 'learned' } as typeof config.method });
  await expect(initialiseEncoder(learned.parameters, config, config.initial!)).rejects.toThrow(/BEiT's biases for offsets, one for all blocks.*set method\.positions=relative/);
  learned.dispose();
  const relative = Learner.create(config);
  await expect(initialiseEncoder(relative.parameters, config, { checkpoint, branch: null })).rejects.toThrow(/an embedding for each place.*set method\.positions=learned/);
  relative.dispose();
  model.parameters.dispose();
});

test('a file of a fine-tuned BEiT alone tells what it is, and exports for timm\'s class', async () => {
  const alone = join(folder, 'alone.safetensors'), source = reference('supervised-beit-0').replace('model.pth', 'model.safetensors');
  copyFileSync(source, alone);
  const model = await openModel(alone);
  expect(model).toMatchObject({ model: { width: 16, depth: 2, heads: 2, patchSize: 4, imageSize: 16 }, method: { name: 'supervised', positions: 'relative', pooling: 'mean', classes: 5 } });
  const file = await openTensorFile(alone);
  for (const { name } of model.parameters.specs) expect(await model.parameters.get(name).data(), name).toEqual(await file.readFloat32(name));
  await file.close();
  model.parameters.dispose();
  const { timmArguments, tensors } = await exportBackbone(alone, join(folder, 'exported.safetensors'), { branch: 'online' });
  expect(timmArguments).toMatchObject({ img_size: 16, num_heads: 2, use_abs_pos_emb: false, use_rel_pos_bias: true, use_shared_rel_pos_bias: false, global_pool: 'avg' });
  expect(tensors).toBe(model.parameters.specs.length - 2);
});

const epochs = 3, steps = 18;

interface Answer {
  protocol: string;
  top1: { total: number; value: number };
  counts: Record<string, number>;
  settings: Record<string, unknown>;
  predictions: number[];
}

const command = (name: string): string[] => ['evaluate', checkpoint, '--protocol', 'finetune', '--data', train, '--test', held, '--epochs', String(epochs), '--batch', '8', '--run', join(folder, name), '--engine', 'wasm', '--json'];

async function evaluate(name: string): Promise<Answer> {
  const { code, stdout, stderr } = await run(command(name));
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Answer;
}

const log = (name: string): string => readFileSync(join(folder, name, 'log.txt'), 'utf8');
const stepsDone = (name: string): number => (existsSync(join(folder, name, 'metrics.jsonl')) ? readFileSync(join(folder, name, 'metrics.jsonl'), 'utf8').split('\n').length - 1 : 0);

/** What must not depend on interruptions: all but the clock. */
const essence = (name: string): unknown[] => rowsOf(join(folder, name)).map(({ step, epoch, loss, accuracy, grad_norm, learning_rate }) => ({ step, epoch, loss, accuracy, grad_norm, learning_rate }));
const weights = (name: string): string => readFileSync(join(folder, name, 'checkpoints', String(steps), 'model.safetensors'), 'latin1');

/** Starts the command, and sends the signal once so many steps of the run are done. */
async function interrupted(name: string, signal: NodeJS.Signals, after: number): Promise<Result> {
  const { child, result } = start(command(name));
  while (stepsDone(name) < after && child.exitCode === null) await setTimeout(2);
  child.kill(signal);
  return result;
}

describe('through the command', { timeout: 300_000 }, () => {
  let whole: Answer;

  test('trained and measured; the same command again goes on from its end', async () => {
    whole = await evaluate('whole');
    expect(whole).toMatchObject({ protocol: 'finetune', counts: { train: 48, test: 24, classes: 2, skipped: 0 }, settings: { recipe: 'mae', batch: 8, steps, layerDecay: 0.65 } });
    expect(await evaluate('whole')).toEqual(whole);
    expect(log('whole')).toContain('resumes the run');
    expect(stepsDone('whole')).toBe(steps);
  });

  test('stopped, started, killed and started again, it ends with the same weights, losses and predictions to the bit', async () => {
    const stopped = await interrupted('interrupted', 'SIGTERM', 4);
    expect(stopped).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^stopped at step \d+; the same command goes on from /m) });
    const { step } = statusOf(join(folder, 'interrupted')) as { step: number };
    expect(step).toBeLessThan(steps - 4);
    expect(statusOf(join(folder, 'interrupted'))).toMatchObject({ state: 'stopped', checkpoint: step, error: null });
    expect(await interrupted('interrupted', 'SIGKILL', step + 2)).toMatchObject({ code: null, signal: 'SIGKILL', stdout: '' });
    // Nothing was saved after the stop: these steps are done anew.
    const { settings, ...answer } = await evaluate('interrupted');
    expect(statusOf(join(folder, 'interrupted'))).toMatchObject({ state: 'done', resumedFrom: step, step: steps });
    expect(essence('interrupted')).toEqual(essence('whole'));
    expect(weights('interrupted')).toBe(weights('whole'));
    expect({ ...answer, settings: { ...settings, run: whole.settings.run } }).toEqual(whole);
  });
});
