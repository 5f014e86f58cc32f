/** The data benchmark runs the whole path and accounts for its time. */
import { expect, test } from 'vitest';
import { benchmarkData } from '../../backend/data/bench.ts';
import { temporaryFolder, twoClasses, writeFiles } from './images.ts';

test('rates and stages of a small folder', async () => {
  const root = await temporaryFolder();
  await writeFiles(root, await twoClasses(10));
  const result = await benchmarkData(root, { seconds: 0.5, workers: 1 });
  expect(result.images).toBeGreaterThan(0);
  expect(result.images_per_second).toBeGreaterThan(0);
  const stages = Object.values(result.milliseconds).reduce((a, b) => a + b);
  expect(Object.keys(result.milliseconds)).toEqual(expect.arrayContaining(['read', 'decode', 'draw', 'resize', 'colorJitter', 'gaussianBlur']));
  // What lies between the stages is the benchmark's own bookkeeping.
  expect(stages).toBeGreaterThan(0.5 * (1000 / result.images_per_second_per_core));
  expect(stages).toBeLessThanOrEqual(1.01 * (1000 / result.images_per_second_per_core));
});
