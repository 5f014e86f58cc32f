/** k-NN and few labels on frozen features, through the command, against scikit-learn on the features that it saved. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { generateImages } from '../../backend/data/generator/index.ts';
import { drawShots } from '../../backend/evaluate/protocols/fewShot.ts';
import { fitSoftmaxRegression } from '../../backend/evaluate/softmaxRegression.ts';
import { Random } from '../../backend/random.ts';
import { run } from '../cli/command.ts';
import { pythonWith, runPython } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const classes = ['boat', 'fish', 'flower', 'mug'];
const checkpoint = join(import.meta.dirname, '../fixtures/reference/dino-1/model.pth');
const images = join(folder, 'images');
const [train, held] = [join(images, 'train'), join(images, 'test')];

interface Result {
  protocol: string;
  top1: { count: number; total: number; value: number; low: number; high: number };
  top5: { value: number };
  counts: { train: number; test: number; classes: number; skipped: number };
  settings: { lambda?: number; objective?: number; gap?: number; chosen?: number[]; neighbours?: number };
  confusion: number[][];
  predictions: number[];
}

async function evaluate(...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await run(['evaluate', checkpoint, '--data', train, '--test', held, '--precision', 'fp32', '--json', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Result;
}

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await generateImages(images, { classes, perClass: 30, testPerClass: 15, size: 64, seed: 5 });
});

test('k-NN and softmax regression agree with scikit-learn on the saved features', { timeout: 300_000 }, async () => {
  const [knn, few] = [join(folder, 'knn.safetensors'), join(folder, 'few.safetensors')];
  const neighbours = await evaluate('--protocol', 'knn', '--neighbours', '10', '--save-features', knn);
  const regression = await evaluate('--protocol', 'few-shot', '--shots', '5', '--save-features', few);
  expect(neighbours).toMatchObject({ protocol: 'knn', counts: { classes: 4, skipped: 0 } });
  expect(regression.counts.train).toBe(20);
  for (const { top1, confusion, predictions, counts } of [neighbours, regression]) {
    expect(top1.count).toBe(confusion.reduce((sum, row, i) => sum + row[i]!, 0));
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(counts.test);
    expect(predictions).toHaveLength(counts.test);
    expect(top1.low).toBeLessThanOrEqual(top1.value);
  }
  const python = await pythonWith(['scikit-learn==1.9.1', 'safetensors==0.8.0']);
  if (!python) return;
  const script = `
import json, sys, numpy as np
from safetensors.numpy import load_file
from sklearn.neighbors import KNeighborsClassifier
from sklearn.linear_model import LogisticRegression
knn, few, chosen, lam = load_file(sys.argv[1]), load_file(sys.argv[2]), json.loads(sys.argv[3]), float(sys.argv[4])
model = KNeighborsClassifier(10, metric='cosine', algorithm='brute', weights=lambda d: np.exp((1 - d) / 0.07)).fit(knn['train.features'].astype(np.float64), knn['train.labels'])
votes = model.predict_proba(knn['test.features'].astype(np.float64))
def units(x):
    x = x.astype(np.float64); x = x - x.mean(1, keepdims=True)
    return x / np.linalg.norm(x, axis=1, keepdims=True)
x, y = units(few['train.features'])[chosen], few['train.labels'][chosen]
fit = LogisticRegression(C=1 / (lam * len(y)), fit_intercept=False, tol=1e-12, max_iter=20000).fit(x, y)
scores = x @ fit.coef_.T
top = scores.max(1, keepdims=True)
loss = (top[:, 0] + np.log(np.exp(scores - top).sum(1)) - scores[np.arange(len(y)), y]).mean() + lam / 2 * (fit.coef_ ** 2).sum()
held = units(few['test.features']) @ fit.coef_.T
print(json.dumps({'votes': votes.tolist(), 'objective': loss, 'scores': held.tolist()}))`;
  const peer = JSON.parse(await runPython(python, script, [knn, few, JSON.stringify(regression.settings.chosen), String(regression.settings.lambda)])) as { votes: number[][]; objective: number; scores: number[][] };
  // The same but for ties.
  peer.votes.forEach((votes, i) => expect(votes[neighbours.predictions[i]!]!).toBeGreaterThan(Math.max(...votes) - 1e-6));
  expect(Math.abs(regression.settings.objective! - peer.objective) / peer.objective).toBeLessThan(1e-5);
  peer.scores.forEach((scores, i) => expect(scores[regression.predictions[i]!]!).toBeGreaterThan(Math.max(...scores) - 1e-3));
  console.log(`objective ${regression.settings.objective!.toFixed(9)}, scikit-learn's ${peer.objective.toFixed(9)}; certainly within ${regression.settings.gap!.toExponential(1)} of the least`);
});

test('the regression stops where its gradient is small, whatever the scale of the features', () => {
  const random = new Random(9), [count, dimension, kinds] = [60, 12, 5];
  for (const scale of [0.01, 1, 30]) {
    const features = Float64Array.from({ length: count * dimension }, () => scale * random.normal()), labels = Int32Array.from({ length: count }, () => random.integer(0, kinds - 1));
    const { weights, objective, gap } = fitSoftmaxRegression({ features, labels, dimension, classes: kinds, lambda: 0.01 });
    expect(gap).toBeLessThanOrEqual(1e-7 * objective);
    // No small change of any weight makes it better: an independent sum of the same objective.
    const value = (w: Float64Array): number => {
      let loss = 0;
      for (let i = 0; i < count; i++) {
        const scores = Array.from({ length: kinds }, (_, c) => Array.from({ length: dimension }, (_d, k) => w[c * dimension + k]! * features[i * dimension + k]!).reduce((a, b) => a + b));
        loss += Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0)) - scores[labels[i]!]!;
      }
      return loss / count + 0.005 * w.reduce((sum, v) => sum + v * v, 0);
    };
    expect(value(weights)).toBeCloseTo(objective, 10);
    for (let k = 0; k < weights.length; k += 7) for (const by of [-1e-2, 1e-2]) expect(value(weights.map((v, i) => (i === k ? v + by / scale : v)))).toBeGreaterThan(objective - 1e-7 * objective);
  }
});

test('shots are of every class, seeded, and nest', () => {
  const labels = Int32Array.from({ length: 400 }, (_, i) => i % 4);
  const of = (shots: Parameters<typeof drawShots>[2], seed = 0): number[] => drawShots(labels, 4, shots, seed);
  expect(of({ share: 0.01 })).toHaveLength(4);
  expect(of({ perClass: 7 }).map((i) => labels[i])).toHaveLength(28);
  expect(new Set(of({ perClass: 1 }).map((i) => labels[i])).size).toBe(4);
  expect(of({ perClass: 3 }).every((i) => of({ perClass: 9 }).includes(i))).toBe(true);
  expect(of({ perClass: 3 }, 1)).not.toEqual(of({ perClass: 3 }));
});

test.each([
  [['--protocol', 'few-shot', '--shots', '0'], /whole number of images/],
  [['--protocol', 'linaer'], /There are knn, few-shot, linear/],
  [['--protocol', 'knn'], /give --data FOLDER and --test FOLDER/],
])('%j is refused', async (args, said) => {
  const { code, stdout, stderr } = await run(['evaluate', checkpoint, ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(said);
});
