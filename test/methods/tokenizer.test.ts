/** BEiT's tokenizers: PyTorch's codes of OpenAI's encoder, pickled as a module or not, PyTorch's gradients of a dVAE in training, and what is said of weights that do not fit. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../backend/errors.ts';
import { openTensorFile, writeSafetensors, type TensorFile } from '../../backend/formats/tensorFile.ts';
import { patchCodes } from '../../backend/evaluate/codes.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import type { RunConfig } from '../../backend/train/config.ts';
import { Learner, methodBatch } from '../../backend/train/learner.ts';
import { relativeError } from '../../backend/train/parity.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { methodLabel, recipeOf, type MethodConfig } from '../../backend/methods/recipes.ts';
import { pictureLogits } from '../../backend/methods/tokenizer.ts';
import { testEngines } from '../helpers/engines.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures/tokenizer');
const pickled = join(fixtures, 'encoder.pkl');
type Beit = Extract<MethodConfig, { name: 'beit' }>;

/** A small BEiT whose 5 x 5 patches have their codes from the fixture's encoder. */
const configured = (method: Record<string, unknown>): RunConfig & { method: Beit } =>
  completeRun({ name: 'codes', data: { train: '.' }, schedule: { steps: 10 }, model: { arch: 'vit_nano', imageSize: 20, patchSize: 4, width: 16, heads: 2, depth: 1 }, method: { name: 'beit', ...method } }, { folder: fixtures }) as RunConfig & { method: Beit };
const openai = { tokenizer: 'dvae', tokenizerWeights: 'encoder.pkl', tokenizerWidth: 4, vocabulary: 24 };

async function opened<T>(path: string, use: (file: TensorFile) => Promise<T>): Promise<T> {
  const file = await openTensorFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Writes a file's tensors under other names, and in a dictionary where the names say so. */
const rewritten = (from: string, name: string, rename: (name: string) => string | null): Promise<string> =>
  opened(from, async (file) => {
    const path = join(folder, `${name}.safetensors`);
    const tensors = file.tensors.flatMap((tensor) => {
      const renamed = rename(tensor.name);
      return renamed === null ? [] : [{ name: renamed, dtype: tensor.dtype, shape: tensor.shape, data: () => file.read(tensor.name) }];
    });
    await writeSafetensors(path, tensors, {});
    return path;
  });

const largest = (values: ArrayLike<number>, expected: ArrayLike<number>): number => Array.from(expected).reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
const argMax = (row: Float32Array): number => row.indexOf(Math.max(...row));

for (const engine of await testEngines()) {
  if (engine.precision !== 'fp32') continue;
  describe(`${engine.name} ${engine.precision}`, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test.each(['a pickled module', 'a state dict'])('OpenAI\'s encoder, from %s, gives PyTorch\'s codes', async (what) => {
      const path = what === 'a state dict' ? await rewritten(pickled, 'state', (name) => name) : pickled;
      const config = configured({ ...openai, tokenizerWeights: path });
      const learner = Learner.create(config);
      await learner.prepare();
      const [image, expected] = await opened(join(fixtures, 'encoder.safetensors'), async (file) => [await file.read('image'), await file.readFloat32('logits')] as const);
      const logits = pictureLogits(learner.parameters, config.method, { pixels: image, size: 40 });
      expect(largest(await logits.data(), expected)).toBeLessThan(1e-4);
      logits.dispose();
      const codes = Array.from({ length: 50 }, (_, patch) => argMax(expected.subarray(24 * patch, 24 * (patch + 1))));
      expect(new Set(codes).size).toBeGreaterThan(3);
      const model = { ...config, parameters: learner.parameters }, own = new Uint8Array(20 * 20 * 3);
      for (const b of [0, 1]) expect([...await patchCodes(model, own, model.model.imageSize, { pixels: image.subarray(b * 4800, (b + 1) * 4800), size: 40 })]).toEqual(codes.slice(25 * b, 25 * (b + 1)));
      learner.dispose();
    });

    test('a dVAE\'s loss and gradients are PyTorch\'s', () => opened(join(fixtures, 'dvae.safetensors'), async (file) => {
      const config = completeRun({ name: 'dvae', data: { train: '.' }, schedule: { steps: 10 }, model: { imageSize: 16, patchSize: 4 }, method: { name: 'dvae', vocabulary: 7, width: 6, codeWidth: 5 } }, { folder });
      const learner = Learner.create({ ...config, seed: 1 });
      const weights = file.tensors.filter(({ name }) => name.startsWith('weight.'));
      expect(learner.parameters.specs.map(({ name, shape }) => [`weight.${name}`, shape])).toEqual(expect.arrayContaining(weights.map(({ name, shape }) => [name, shape])));
      for (const { name, shape } of weights) learner.parameters.set(name.slice(7), await file.readFloat32(name), shape);
      const uniform = await file.readFloat32('uniform'), pixels = await file.read('images');
      const batch = () => ({ views: [], pictures: { online: { pixels, size: 16 } }, geometry: null });
      let compared = 0;
      const { loss } = await learner.stepOn([batch], { learningRate: 0, weightDecay: 0, momentum: 1 }, async ({ gradients, intermediates }) => {
        expect(relativeError(await intermediates.logits!.data(), await file.readFloat32('logits'))).toBeLessThan(1e-5);
        for (const [i, { spec }] of learner.parameters.trainable.entries()) {
          expect(relativeError(await gradients[i]!.data(), await file.readFloat32(`gradient.${spec.name}`)), spec.name).toBeLessThan(1e-4);
          compared++;
        }
      }, () => uniform);
      expect(compared).toBe(weights.length);
      expect(Math.abs(loss / (await file.readFloat32('loss'))[0]! - 1)).toBeLessThan(1e-5);
      learner.dispose();
    }));
  });
}

for (const engine of await testEngines(['torch'])) {
  if (engine.precision !== 'fp32') continue;
  describe('a run with a tokenizer', () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test('learns OpenAI\'s codes from the view that is made for them', async () => {
      const config = configured({ ...openai, maskShare: 0.7 });
      const learner = Learner.create({ ...config, optimizer: { ...config.optimizer, baseLearningRate: 0.1 } });
      await learner.prepare();
      const batch = randomBatch(config.model, config.method, 8, 1);
      expect(batch.views.map(({ name, size }) => [name, size])).toEqual([['online', 20], ['tokenizer', 40]]);
      const { views, pictures } = methodBatch(batch, config.model, ['tokenizer']);
      expect([views.length, Object.keys(pictures!)]).toEqual([1, ['tokenizer']]);
      const losses = [];
      for (let step = 0; step < 12; step++) losses.push((await learner.step([batch], { learningRate: 0.01, weightDecay: 0, momentum: 1 })).loss);
      expect(losses[0]! / recipeOf(config.method).uniformLoss!(config.model, config.method, 8)!).toBeCloseTo(1, 1);
      expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
      // Kept in checkpoints, so that a run resumes without the file.
      expect(learner.modelTensors().map(({ name }) => name)).toContain('tokenizer.blocks.group_1.block_1.res_path.conv_1.w');
      expect(methodLabel(config.method)).toBe('BEiT, OpenAI\'s dVAE as tokenizer');
      learner.dispose();
    });

    const refusal = async (method: Record<string, unknown>): Promise<string> => {
      try {
        const learner = Learner.create(configured(method));
        await learner.prepare().finally(() => learner.dispose());
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return (error as Error).message;
      }
      return 'taken';
    };

    test('weights that do not fit are refused, with what to set', async () => {
      const trained = await rewritten(join(fixtures, 'dvae.safetensors'), 'trained', (name) => (name.startsWith('weight.encoder.') ? name.slice(7) : null));
      expect(await refusal({ ...openai, tokenizerWeights: 'nowhere.pkl' })).toMatch(/^method\.tokenizerWeights: .*nowhere\.pkl/);
      expect(await refusal({ ...openai, tokenizerWidth: 256, vocabulary: 8192 })).toMatch(/is an encoder of 4 channels, 24 codes and 8 pixels a code: set method\.tokenizerWidth=4 and method\.vocabulary=24$/);
      expect(await refusal({ ...openai, tokenizerWeights: trained })).toMatch(/is not the encoder of OpenAI's dVAE .*set method\.tokenizer=trained$/);
      expect(await refusal({ tokenizer: 'trained', tokenizerWeights: 'encoder.pkl' })).toMatch(/it is OpenAI's, set method\.tokenizer=dvae$/);
      expect(await refusal({ tokenizer: 'trained', tokenizerWeights: trained, tokenizerWidth: 6, vocabulary: 7 })).toMatch(/set method\.tokenizerStride=4$/);
      expect(await refusal({ tokenizer: 'trained', tokenizerWeights: trained, tokenizerWidth: 6, vocabulary: 7, tokenizerStride: 4 })).toBe('taken');
      const broken = await rewritten(pickled, 'broken', (name) => (name.includes('group_3') ? null : name));
      expect(await refusal({ ...openai, tokenizerWeights: broken })).toMatch(/has no tensor blocks\.group_3\.block_1\.id_path\.w/);
      // As BEiT's code saves its customized dVAE.
      expect(await refusal({ tokenizer: 'trained', tokenizerWeights: await rewritten(trained, 'nested', (name) => `module.${name}`), tokenizerWidth: 6, vocabulary: 7, tokenizerStride: 4 })).toBe('taken');
    });

    test('options that contradict each other are refused where the run file is read', async () => {
      expect(await refusal({ tokenizer: 'dvae' })).toMatch(/method\.tokenizer "dvae" needs its weights: set method\.tokenizerWeights to OpenAI's encoder\.pkl/);
      expect(await refusal({ tokenizer: 'trained' })).toMatch(/the file that "siamscope tokenizer" wrote/);
      expect(await refusal({ tokenizerWeights: 'encoder.pkl' })).toMatch(/method\.tokenizer is "projection", which has none/);
      expect(await refusal({ ...openai, tokenizerStride: 4 })).toMatch(/OpenAI's dVAE has 8/);
      expect(await refusal({ ...openai, tokenizer: 'trained', tokenizerStride: 6 })).toMatch(/not a power of two/);
    });
  });
}
