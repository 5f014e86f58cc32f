/** Classifiers as they are: a supervised checkpoint by its file alone, against plain loops in double precision, and its moving average. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { openDataset } from '../../backend/data/dataset.ts';
import { loadEvaluationImages } from '../../backend/data/evaluation.ts';
import { openEngine } from '../../backend/engines/choose.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { classify, classifyDataset, classifyProtocol } from '../../backend/evaluate/protocols/classify.ts';
import { openTensorFile } from '../../backend/formats/tensorFile.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { Learner } from '../../backend/train/learner.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { encodePlainly, type Weights } from './plainEncoder.ts';

const folder = temporaryFolder();
const images = join(folder, 'images');
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');
const classes = ['boat', 'car', 'clock', 'fish', 'flower', 'house', 'mug'];

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
  await generateImages(images, { classes, perClass: 2, testPerClass: 3, size: 64, seed: 5 });
});

const imageNetMean = [0.485, 0.456, 0.406], imageNetStd = [0.229, 0.224, 0.225];

/** Logits by the file's own tensors, of [n, size, size, 3] bytes. */
async function plainLogits(path: string, pixels: Uint8Array, size: number, heads: number): Promise<number[][]> {
  const file = await openTensorFile(path);
  const weights: Weights = new Map(await Promise.all(file.tensors.map(async ({ name, shape }) => [name.replace(/^model\./, ''), { shape, values: await file.readFloat32(name) }] as const)));
  await file.close();
  const count = pixels.length / size ** 2 / 3;
  const planes = Float32Array.from({ length: pixels.length }, (_, i) => {
    const [image, rest] = [Math.floor(i / (3 * size * size)), i % (3 * size * size)], channel = Math.floor(rest / size ** 2);
    return (pixels[(image * size ** 2 + (rest % size ** 2)) * 3 + channel]! / 255 - imageNetMean[channel]!) / imageNetStd[channel]!;
  });
  const tokens = encodePlainly(weights, planes, count, { heads, eps: 1e-6 });
  const head = weights.get('head.weight')!, [rows, width] = head.shape as [number, number], stride = tokens.length / count;
  return Array.from({ length: count }, (_, i) => Array.from({ length: rows }, (_r, r) => {
    let sum = weights.get('head.bias')!.values[r]!;
    for (let k = 0; k < width; k++) sum += head.values[r * width + k]! * tokens[i * stride + k]!;
    return sum;
  }));
}

test('a checkpoint that nothing else describes gives the logits of its own numbers, and is measured', async () => {
  mkdirSync(join(folder, 'alone'), { recursive: true });
  const path = join(folder, 'alone', 'model.pth');
  copyFileSync(reference('supervised-1'), path);
  const model = await openModel(path, 4);
  const source = join(images, 'test'), test = await openDataset(source), size = model.model.imageSize;
  const pixels = await loadEvaluationImages(test, Array.from({ length: test.length }, (_, i) => i), size);
  const truth = await plainLogits(path, pixels, size, 4);
  const { logits, unread } = await classifyDataset(model, test);
  expect([unread.size, logits.length]).toEqual([0, 7 * test.length]);
  const furthest = Math.max(...truth.flat().map((v, i) => Math.abs(v - logits[i]!)));
  expect(furthest).toBeLessThan(2e-5);
  const result = await classifyProtocol(model, { train: join(images, 'train'), test: source }, 'online', () => undefined);
  expect(result.predictions).toEqual(truth.map((row) => row.indexOf(Math.max(...row))));
  expect(result.top1).toMatchObject({ count: result.predictions.filter((p, i) => p === Math.floor(i / 3)).length, total: 21 });
  expect(result.counts).toMatchObject({ classes: 7, test: 21 });
  await expect(classifyProtocol(model, { train: null, test: join(images, 'test', 'boat') }, 'online', () => undefined)).rejects.toThrow(/has 0 classes and the classifier 7/);
  model.parameters.dispose();
  const encoder = await openModel(reference('mae-0'));
  await expect(classify(encoder, pixels)).rejects.toThrow(/method mae has no classifier/);
  encoder.parameters.dispose();
});

test('the moving average follows each step, and is what the target branch classifies by', async () => {
  const config = completeRun({ preset: 'supervised-tiny', name: 'average', data: { train: '.' }, model: { imageSize: 32, patchSize: 8, width: 16, heads: 2, depth: 2 }, method: { name: 'supervised', classes: 3, ema: 0.9 } }, { folder: '' });
  const learner = Learner.create(config);
  const read = async (name: string): Promise<Float32Array> => (await learner.parameters.get(name).data<'float32'>()).slice();
  const names = ['head.bias', 'blocks.1.mlp.fc1.weight', 'pos_embed'];
  const start = await Promise.all(names.map(read));
  const expected = start.map((values) => Float64Array.from(values));
  const batch = { ...randomBatch(config.model, config.method, 6, 1), labels: Int32Array.of(0, 1, 2, 0, 1, 2) };
  for (let step = 0; step < 3; step++) {
    await learner.step([batch], { learningRate: 0.01, weightDecay: 0.05, momentum: 0.9 });
    const now = await Promise.all(names.map(read));
    expected.forEach((values, n) => values.forEach((v, i) => (values[i] = 0.9 * v + 0.1 * now[n]![i]!)));
  }
  for (const [n, name] of names.entries()) {
    const average = await read(`model_ema.${name}`);
    expect(Math.max(...average.map((v, i) => Math.abs(v - expected[n]![i]!)))).toBeLessThan(1e-6);
    expect(average).not.toEqual(start[n]);
  }
  const model = { model: config.model, method: config.method, parameters: learner.parameters };
  const pixels = batch.views[0]!.pixels;
  const [online, target] = [await classify(model, pixels, 'online'), await classify(model, pixels, 'target')];
  expect(target).not.toEqual(online);
  learner.dispose();
});
