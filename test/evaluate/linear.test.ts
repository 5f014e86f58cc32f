/** Linear classification: the head against plain loops in double precision, and whole through the command. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { LinearHead, type HeadOptions } from '../../backend/evaluate/protocols/linearHead.ts';
import { Random } from '../../backend/random.ts';
import { run } from '../cli/command.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();

describe('the head', () => {
  const [dimension, classes, batch] = [7, 3, 10];
  const random = new Random(3);
  const batches = Array.from({ length: 3 }, () => ({ features: Float32Array.from({ length: batch * dimension }, () => 1 + 2 * random.normal()), labels: Int32Array.from({ length: batch }, () => random.integer(0, classes - 1)) }));
  const held = Float32Array.from({ length: 20 * dimension }, () => 1 + 2 * random.normal());

  beforeAll(async () => {
    await openEngine({ engine: 'wasm' }, { say: () => undefined });
  });

  /** The same three steps by their definition; returns losses, weights and what the held rows are taken for. */
  function plainly(start: ArrayLike<number>, { batchNorm, optimizer }: HeadOptions, rate: number): { losses: number[]; weight: number[]; predictions: number[] } {
    let weight = Array.from(start), bias = new Array<number>(classes).fill(0);
    let velocity = weight.map(() => 0), push = bias.map(() => 0);
    const mean = new Array<number>(dimension).fill(0), variance = new Array<number>(dimension).fill(1);
    const logits = (x: number[]): number[] => bias.map((b, c) => x.reduce((sum, v, k) => sum + v * weight[c * dimension + k]!, b));
    const rows = (features: Float32Array): number[][] => Array.from({ length: features.length / dimension }, (_, i) => Array.from(features.subarray(i * dimension, (i + 1) * dimension)));
    const norm = (v: number[]): number => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    const losses = batches.map(({ features, labels }) => {
      let x = rows(features);
      if (batchNorm) {
        const average = mean.map((_, k) => x.reduce((sum, row) => sum + row[k]!, 0) / batch);
        const spread = average.map((m, k) => x.reduce((sum, row) => sum + (row[k]! - m) ** 2, 0) / batch);
        average.forEach((m, k) => {
          mean[k] = 0.9 * mean[k]! + 0.1 * m;
          variance[k] = 0.9 * variance[k]! + (0.1 * spread[k]! * batch) / (batch - 1);
        });
        x = x.map((row) => row.map((v, k) => (v - average[k]!) / Math.sqrt(spread[k]! + 1e-6)));
      }
      let loss = 0;
      const slope = weight.map(() => 0), offset = bias.map(() => 0);
      x.forEach((row, i) => {
        const scores = logits(row), total = scores.reduce((sum, s) => sum + Math.exp(s), 0);
        loss += (Math.log(total) - scores[labels[i]!]!) / batch;
        scores.forEach((s, c) => {
          const d = (Math.exp(s) / total - Number(c === labels[i]!)) / batch;
          offset[c]! += d;
          row.forEach((v, k) => (slope[c * dimension + k]! += d * v));
        });
      });
      const trust = optimizer === 'lars' ? (0.001 * norm(weight)) / norm(slope) : 1;
      velocity = velocity.map((v, i) => 0.9 * v + trust * slope[i]!);
      push = push.map((v, i) => 0.9 * v + offset[i]!);
      weight = weight.map((w, i) => w - rate * velocity[i]!);
      bias = bias.map((b, i) => b - rate * push[i]!);
      return loss;
    });
    const predictions = rows(held).map((row) => {
      const scores = logits(batchNorm ? row.map((v, k) => (v - mean[k]!) / Math.sqrt(variance[k]! + 1e-6)) : row);
      return scores.indexOf(Math.max(...scores));
    });
    return { losses, weight, predictions };
  }

  test.each([{ optimizer: 'lars', batchNorm: true }, { optimizer: 'sgd', batchNorm: false }] as const)('takes the steps of %j', async (kind) => {
    const options: HeadOptions = { dimension, classes, seed: 4, ...kind };
    const head = new LinearHead(options), start = head.weight.dataSync<'float32'>().slice(), rate = kind.optimizer === 'lars' ? 6.4 : 0.5;
    const expected = plainly(start, options, rate);
    const length = (v: ArrayLike<number>): number => Math.hypot(...Array.from(v));
    for (const [i, { features, labels }] of batches.entries()) {
      expect(await head.step(features, labels, rate)).toBeCloseTo(expected.losses[i]!, 5);
      // MAE's protocol in one number: the first step moves the weights by lr * .001 of their length.
      if (i === 0 && kind.optimizer === 'lars') expect(length(head.weight.dataSync().map((w, k) => w - start[k]!)) / length(start)).toBeCloseTo(rate * 0.001, 6);
    }
    const weight = head.weight.dataSync();
    expect(Math.max(...expected.weight.map((w, i) => Math.abs(w - weight[i]!)))).toBeLessThan(1e-5);
    expect((await head.rankings(held)).map(([first]) => first)).toEqual(expected.predictions);
    head.dispose();
  });
});

describe('siamscope evaluate --protocol linear', () => {
  const checkpoint = join(import.meta.dirname, '../fixtures/reference/dino-1/model.pth');
  const images = join(folder, 'images');
  const sets = ['--data', join(images, 'train'), '--test', join(images, 'test')];
  beforeAll(async () => {
    // Classes of one colour each, told apart in any crop.
    const random = new Random(6), colours = { blue: [60, 90, 200], green: [70, 180, 80], grey: [130, 130, 130], red: [200, 70, 60] };
    for (const [set, count] of [['train', 40], ['test', 15]] as const)
      for (const [name, colour] of Object.entries(colours)) {
        mkdirSync(join(images, set, name), { recursive: true });
        for (let i = 0; i < count; i++) await sharp(Uint8Array.from({ length: 64 * 64 * 3 }, (_, k) => colour[k % 3]! + random.integer(-40, 40)), { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(join(images, set, name, `${i}.png`));
      }
  });

  test.each([
    ['mae', ['--epochs', '6', '--batch', '40'], { recipe: 'mae', steps: 24, warmupSteps: 3, batch: 40, optimizer: 'lars', batchNorm: true, features: 'class token after the final norm; of a ResNet, the mean of the last stage', learningRate: (0.1 * 40) / 256 }],
    ['mocov3', ['--epochs', '6', '--batch', '32'], { recipe: 'mocov3', steps: 30, warmupSteps: 0, optimizer: 'sgd', batchNorm: false, learningRate: (3 * 32) / 256 }],
    ['dino', ['--epochs', '2'], { recipe: 'dino', steps: 2, batch: 160, features: 'class tokens of the last four blocks, each after the final norm' }],
  ])('by the recipe of %s', { timeout: 120_000 }, async (recipe, args, settings) => {
    const evaluate = async (): Promise<{ top1: { value: number; total: number }; counts: object; settings: { loss: number; warning: string | null }; predictions: number[] }> => {
      const { code, stdout, stderr } = await run(['evaluate', checkpoint, ...sets, '--protocol', 'linear', ...(recipe === 'dino' ? [] : ['--recipe', recipe]), ...args, '--precision', 'fp32', '--json']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout) as Awaited<ReturnType<typeof evaluate>>;
    };
    const result = await evaluate();
    expect(result).toMatchObject({ protocol: 'linear', counts: { train: 160, test: 60, classes: 4, skipped: 0 }, settings });
    expect(result.settings.warning === null).toBe(recipe !== 'mae');
    if (recipe === 'mocov3') expect(result.top1.value).toBeGreaterThan(0.8);
    console.log(`${recipe}: top-1 ${(100 * result.top1.value).toFixed(1)} %, loss ${result.settings.loss.toFixed(3)}`);
    if (recipe === 'mocov3') expect((await evaluate()).predictions).toEqual(result.predictions);
  });

  test('has no features to save', async () => {
    const { code, stderr } = await run(['evaluate', checkpoint, ...sets, '--protocol', 'linear', '--save-features', join(folder, 'none.safetensors')]);
    expect(code).toBe(2);
    expect(stderr).toContain('use --save-features with knn or few-shot');
  });
});
