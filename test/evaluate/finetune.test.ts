/** Fine-tuning through the command: a tiny MAE is taken over whole, learns its images, is measured, and measured again without training anew. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { openEngine } from '../../backend/engines/choose.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { finetuneRun } from '../../backend/evaluate/protocols/finetune.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { initialiseEncoder } from '../../backend/train/initial.ts';
import { Learner } from '../../backend/train/learner.ts';
import { run } from '../cli/command.ts';
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

test('through the command: trained and measured; the same command again goes on from its end', { timeout: 300_000 }, async () => {
  const evaluate = async (name: string, epochs: string) => {
    const { code, stdout, stderr } = await run(['evaluate', checkpoint, '--protocol', 'finetune', '--data', train, '--test', held, '--epochs', epochs, '--batch', '8', '--run', join(folder, name), '--engine', 'wasm', '--json']);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as { protocol: string; top1: { total: number; value: number }; counts: { train: number; test: number }; settings: Record<string, unknown>; predictions: number[] };
  };
  const whole = await evaluate('whole', '2');
  expect(whole).toMatchObject({ protocol: 'finetune', counts: { train: 48, test: 24, classes: 2, skipped: 0 }, settings: { recipe: 'mae', batch: 8, steps: 12, layerDecay: 0.65 } });
  const again = await evaluate('whole', '2');
  expect(again.predictions).toEqual(whole.predictions);
  expect(readFileSync(join(folder, 'whole', 'log.txt'), 'utf8')).toContain('resumes the run');
});
