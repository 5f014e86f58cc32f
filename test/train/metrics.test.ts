/** A run's numbers: each step once, whatever was killed and resumed, in metrics.jsonl and for TensorBoard. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readScalars } from '../../backend/formats/tfevents.ts';
import type { MetricsRow } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { MetricsLog, readMetrics } from '../../backend/train/metrics.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();

const row = (step: number, session: number): MetricsRow => ({ step, epoch: step / 10, loss: step + session / 100, grad_norm: 1, learning_rate: 1e-3, images_per_second: 1, seconds: 1, data_seconds: 0, elapsed_seconds: step, memory_mb: 1 });

test('resumed at random steps twenty times, with torn tails: one value a step in both files', async () => {
  const random = new Random(9);
  const path = join(folder, 'resumed');
  mkdirSync(path);
  const expected = new Map<number, number>();
  let step = 0;
  for (let session = 0; session < 20; session++) {
    step = random.integer(0, step);
    for (const logged of expected.keys()) if (logged > step) expected.delete(logged);
    const log = await MetricsLog.open(path, step);
    for (let more = random.integer(1, 12); more > 0; more--) {
      step++;
      await log.append(row(step, session));
      expected.set(step, step + session / 100);
    }
    await log.close();
    if (random.chance(0.5)) appendFileSync(join(path, 'metrics.jsonl'), '{"step": 99, "lo');
  }
  const rows = await readMetrics(path);
  expect(rows.map(({ step: at, loss }) => [at, loss])).toEqual([...expected]);
  const curve = (await readScalars(path)).get('loss')!;
  expect(curve.map(({ step: at }) => at)).toEqual([...expected.keys()]);
  for (const { step: at, value } of curve) expect(value).toBeCloseTo(expected.get(at)!, 4);
});

test('what is not finite is written as a word and read as a number', async () => {
  const path = join(folder, 'infinite');
  mkdirSync(path);
  const log = await MetricsLog.open(path, 0);
  await log.append({ ...row(1, 0), loss: NaN, grad_norm: Infinity });
  await log.close();
  expect(JSON.parse(readFileSync(join(path, 'metrics.jsonl'), 'utf8'))).toMatchObject({ loss: 'NaN', grad_norm: 'Infinity' });
  expect((await readMetrics(path))[0]).toMatchObject({ loss: NaN, grad_norm: Infinity });
});

test('a row appended again, because only one of the files took it, is there once', async () => {
  const path = join(folder, 'again');
  mkdirSync(path);
  const log = await MetricsLog.open(path, 0);
  await log.append(row(1, 0));
  await log.append(row(1, 0));
  await log.append(row(2, 0));
  await log.flush();
  expect((await readMetrics(path)).map(({ step }) => step)).toEqual([1, 2]);
  await log.close();
});
