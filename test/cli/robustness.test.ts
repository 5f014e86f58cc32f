/** `siamscope evaluate --protocol robustness` as a person runs it, on a classifier trained here for a few steps: its numbers are what corrupting and classifying give one by one. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { corruptAndStore } from '../../backend/augment/corruptions/registry.ts';
import { Kernels } from '../../backend/augment/kernels.ts';
import { openDataset } from '../../backend/data/dataset.ts';
import { loadEvaluationImages } from '../../backend/data/evaluation.ts';
import { openEngine } from '../../backend/engines/choose.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { classify } from '../../backend/evaluate/protocols/classify.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, quick, run } from './command.ts';

const folder = temporaryFolder(), file = join(folder, 'classes.siam.json'), trained = join(folder, 'runs/classes'), two = join(folder, 'two');

interface Robustness {
  top1: { value: number };
  counts: { train: number; test: number; classes: number };
  settings: Record<string, unknown>;
  predictions: number[];
  robustness: { cleanError: { value: number }; corruptions: { corruption: string; levels: { level: number; error: { count: number; total: number; low: number; high: number } }[]; meanError: number; corruptionError: number | null }[]; mce: number | null; notes: string[] };
}

const evaluate = async (...args: string[]): Promise<Robustness> => {
  const { code, stdout } = await run(['evaluate', trained, '--protocol', 'robustness', '--precision', 'fp32', '--engine', 'wasm', '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Robustness;
};

beforeAll(async () => {
  expect((await run(['init', file, '--preset', 'supervised-tiny', '--data', photos])).code).toBe(0);
  expect(await run(['train', file, ...quick, '--engine', 'wasm', '--set', 'method.classes=4', '--set', 'model.patchSize=8', '--set', 'schedule.steps=12', '--json'])).toMatchObject({ code: 0 });
  for (const name of ['mug', 'boat']) cpSync(join(photos, name), join(two, name), { recursive: true });
});

test('errors are those of the corrupted images one by one, by any number of processes', async () => {
  const report = join(folder, 'report.html');
  const result = await evaluate('--test', photos, '--corruptions', 'frost,gaussian_noise,pixelate', '--levels', '1,5', '--seed', '3', '--report', report);
  expect(result).not.toHaveProperty('examples');
  expect(result.counts).toMatchObject({ train: 0, test: 40, classes: 4 });
  expect(result.settings.constants).toMatch(/^CIFAR-10-C/);
  const { corruptions, mce, notes, cleanError } = result.robustness;
  expect(mce).toBeNull();
  expect(notes.join()).toMatch(/frost is drawn, not photographed.*no mCE/);
  expect(cleanError.value).toBeCloseTo(1 - result.top1.value, 12);
  expect(corruptions.map(({ corruption }) => corruption)).toEqual(['gaussian_noise', 'frost', 'pixelate']);
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
  const model = await openModel(trained), dataset = await openDataset(photos), kernels = new Kernels(), size = 32;
  const indices = Array.from({ length: dataset.length }, (_, i) => i), clean = await loadEvaluationImages(dataset, indices, size);
  for (const { corruption, levels, meanError } of corruptions) {
    for (const { level, error } of levels) {
      let wrong = 0;
      for (const index of indices) {
        const corrupted = await corruptAndStore(kernels, clean.slice(index * size * size * 3, (index + 1) * size * size * 3), size, corruption as 'frost', level as 1, { seed: 3, index });
        const logits = await classify(model, corrupted);
        if (logits.indexOf(Math.max(...logits)) !== dataset.label(index)) wrong++;
      }
      expect({ corruption, level, count: error.count, total: error.total }).toEqual({ corruption, level, count: wrong, total: 40 });
      expect(error.low).toBeLessThanOrEqual(wrong / 40);
    }
    expect(meanError).toBeCloseTo((levels[0]!.error.count + levels[1]!.error.count) / 80, 12);
  }
  model.parameters.dispose();
  const page = readFileSync(report, 'utf8');
  expect(page).toContain('Errors under corruption');
  expect(page.match(/alt="(gaussian noise|frost|pixelate) at level [15]"/g)).toHaveLength(6);
  expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
});

test('a folder of fewer classes restricts the predictions, unless all may win; names may come from a file', async () => {
  const restricted = await evaluate('--test', two, '--corruptions', 'contrast', '--levels', '1');
  expect(restricted.counts).toMatchObject({ test: 20, classes: 2 });
  expect(restricted.settings.classes).toBe('predictions are restricted to the 2 of 4 classes that the test images have');
  expect(Math.max(...restricted.predictions)).toBeLessThan(2);
  const names = join(folder, 'names.txt');
  writeFileSync(names, 'boat\nfish\nflower\nmug\n');
  const all = await evaluate('--test', two, '--classes', names, '--all-classes', '--corruptions', 'contrast', '--levels', '1');
  expect(all.counts.classes).toBe(4);
  expect(all.top1.value).toBeLessThanOrEqual(restricted.top1.value);
  mkdirSync(join(two, '../odd/zebra'), { recursive: true });
  cpSync(join(photos, 'mug/00000.jpg'), join(folder, 'odd/zebra/0.jpg'));
  expect(await run(['evaluate', trained, '--protocol', 'classify', '--test', join(folder, 'odd')])).toMatchObject({ code: 2, stderr: expect.stringMatching(/has the class "zebra"/) as string });
  writeFileSync(names, 'boat\nfish\n');
  expect(await run(['evaluate', trained, '--protocol', 'classify', '--test', two, '--classes', names])).toMatchObject({ code: 2, stderr: expect.stringMatching(/names 2 classes and the classifier has 4/) as string });
});

test('by neighbours, in a table of 80 columns', async () => {
  const { code, stdout } = await run(['evaluate', trained, '--protocol', 'robustness', '--head', 'knn', '--neighbours', '1', '--data', photos, '--test', two, '--levels', '3', '--engine', 'wasm']);
  expect(code).toBe(0);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  // Each test image is a training image, and its own nearest.
  expect(stdout).toMatch(/top-1\s+100\.0 %/);
  expect(stdout.match(/^ {2}[a-z_]+ +[\d.]+ +[\d.]+$/gm)).toHaveLength(15);
  expect(stdout.replace(/\s+/g, ' ')).toContain('not the paper\'s protocol');
});

test('what there is not is refused', async () => {
  expect(await run(['evaluate', trained, '--protocol', 'robustness', '--corruptions', 'fogg'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/no "fogg" among.*Did you mean "fog"/s) as string });
});
