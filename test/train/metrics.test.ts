/** A run's numbers: each step once, whatever was killed and resumed, in metrics.jsonl and for TensorBoard. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readScalars } from '../../backend/formats/tfevents.ts';
import type { MetricsRow } from '../../backend/protocol.ts';
import { Random } from '../../backend/random.ts';
import { MetricsLog, readEvaluations, readMetrics } from '../../backend/train/metrics.ts';
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

test('evaluations go by steps of their own, before the first too, and what a resumed run will measure again is dropped', async () => {
  const path = join(folder, 'evaluated');
  mkdirSync(path);
  const evaluation = (step: number, value: number) => ({ step, epoch: step / 10, elapsed_seconds: step, eval_seconds: 1, eval_pck_0: value });
  const first = await MetricsLog.open(path, 0);
  expect(first.lastEvaluation).toBe(-1);
  await first.appendEvaluation(evaluation(0, 0.25));
  for (const step of [1, 2, 3]) await first.append(row(step, 0));
  await first.appendEvaluation(evaluation(3, 0.5));
  // Refused by the event file, and tried again.
  await first.appendEvaluation(evaluation(3, 0.5));
  await first.close();
  appendFileSync(join(path, 'evaluations.jsonl'), '{"step": 4, "eval');
  const second = await MetricsLog.open(path, 2);
  expect(second.lastEvaluation).toBe(0);
  await second.append(row(3, 1));
  await second.appendEvaluation(evaluation(3, 0.75));
  await second.close();
  expect((await readEvaluations(path)).map(({ step, eval_pck_0 }) => [step, eval_pck_0])).toEqual([[0, 0.25], [3, 0.75]]);
  expect((await readScalars(path)).get('eval_pck_0')).toMatchObject([{ step: 0, value: 0.25 }, { step: 3, value: 0.75 }]);
  expect((await readMetrics(path)).map(({ step }) => step)).toEqual([1, 2, 3]);
  expect((await MetricsLog.open(path, 3)).lastEvaluation).toBe(3);
  expect(await readEvaluations(join(folder, 'again'))).toEqual([]);
});
