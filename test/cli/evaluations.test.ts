/** Whole runs that measure themselves: the training is the same to the bit, and each evaluation is there once, after kills and stops too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { readScalars } from '../../backend/formats/tfevents.ts';
import type { EvaluationRow, RunEvent } from '../../backend/protocol.ts';
import { readEvaluations } from '../../backend/train/metrics.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { photos, quick, rowsOf, run, start, statusOf } from './command.ts';

const folder = temporaryFolder();
const file = join(folder, 'tiny.siam.json');
const steps = 8, due = [0, 3, 6, 8];
const sets = (values: string[]): string[] => values.flatMap((value) => ['--set', value]);
const train = (name: string, ...more: string[]): string[] => ['train', file, '--run', join(folder, name), ...sets([`schedule.steps=${steps}`, 'checkpoint.everySteps=2', `data.test=${photos}`]), ...quick, ...more];
const measuring = sets(['evaluate.everySteps=3', 'evaluate.pairs=8', 'evaluate.images=20', 'evaluate.neighbours=3']);

const essence = (name: string): unknown[] => rowsOf(join(folder, name)).map(({ step, loss, grad_norm, learning_rate, momentum, positive_term, feature_std, effective_rank }) => ({ step, loss, grad_norm, learning_rate, momentum, positive_term, feature_std, effective_rank }));
const weights = (name: string): string => ['model', 'optimizer'].map((part) => readFileSync(join(folder, name, 'checkpoints', String(steps), `${part}.safetensors`), 'latin1')).join();
/** All but the clock. */
const measured = async (name: string): Promise<unknown[]> => (await readEvaluations(join(folder, name))).map(({ elapsed_seconds: _elapsed, eval_seconds: _seconds, ...row }: EvaluationRow) => row);

let events: RunEvent[] = [];

beforeAll(async () => {
  expect((await run(['init', file, '--data', photos])).code).toBe(0);
  const whole = start(train('whole', '--json', ...measuring));
  expect(await whole.result).toMatchObject({ code: 0, stderr: '' });
  events = whole.events;
});

test('the training is the same to the bit without', async () => {
  expect(await run(train('plain'))).toMatchObject({ code: 0 });
  expect(essence('whole')).toEqual(essence('plain'));
  expect(weights('whole')).toBe(weights('plain'));
  expect(await measured('plain')).toEqual([]);
});

test('evaluations.jsonl, TensorBoard, events and status tell the same', async () => {
  const path = join(folder, 'whole');
  const rows = await readEvaluations(path);
  expect(rows.map(({ step }) => step)).toEqual(due);
  expect(rows.map(({ epoch }) => epoch)).toEqual(due.map((step) => step / 5));
  const names = ['eval_knn_top1', 'eval_pck_0', 'eval_pck_1', 'eval_prediction_0', 'eval_centred_effective_rank', 'eval_first_component'];
  for (const row of rows) {
    for (const name of names) expect(row[name], name).toSatisfy((value) => Number.isFinite(value));
    expect(row.eval_pck_1).toBeGreaterThanOrEqual(row.eval_pck_0!);
    expect(row.eval_first_component).toBeLessThanOrEqual(1);
  }
  expect(new Set(rows.map(({ eval_centred_effective_rank: rank }) => rank)).size).toBe(due.length);
  const curves = await readScalars(path);
  for (const name of names) expect(curves.get(name)).toMatchObject(rows.map((row) => ({ step: row.step, value: Math.fround(row[name]!) })));
  // One row a step, as ever.
  expect(rowsOf(path).map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(curves.get('loss')).toHaveLength(steps);

  const told = events.filter((event) => event.kind === 'evaluated' || event.kind === 'evaluating' || event.kind === 'step').map((event) => `${event.kind} ${event.kind === 'step' ? event.row.step : event.step}`);
  expect(told).toEqual(Array.from({ length: steps + 1 }, (_, step) => [...(step > 0 ? [`step ${step}`] : []), ...(due.includes(step) ? [`evaluating ${step}`, `evaluated ${step}`] : [])]).flat());
  const last = events.findLast((event) => event.kind === 'evaluated')!;
  expect(Object.fromEntries(last.measures.map(({ id, value }) => [`eval_${id}`, value]))).toEqual(Object.fromEntries(names.map((name) => [name, rows.at(-1)![name]])));
  expect(statusOf(path)).toMatchObject({ state: 'done', evaluating: false, evaluation: { step: steps, measures: last.measures }, health: [] });
});

test('killed in the middle of training and of measuring: the same evaluations, once', async () => {
  const args = train('killed', '--json', '--resume', ...measuring);
  for (const at of [(event: RunEvent) => event.kind === 'evaluating' && event.step === 3, (event: RunEvent) => event.kind === 'step' && event.row.step >= 5, (event: RunEvent) => event.kind === 'evaluating' && event.step === steps]) {
    const killed = start(args);
    await killed.until(at);
    killed.child.kill('SIGKILL');
    await killed.result;
  }
  expect(await run(args)).toMatchObject({ code: 0 });
  expect(await measured('killed')).toEqual(await measured('whole'));
  expect(essence('killed')).toEqual(essence('whole'));
  expect(weights('killed')).toBe(weights('whole'));
  expect((await readScalars(join(folder, 'killed'))).get('eval_pck_0')!.map(({ step }) => step)).toEqual(due);
});

test('a stop ends a long evaluation, saves, and the resumed run makes up for it', async () => {
  // So many pairs that measuring takes minutes.
  const long = sets(['evaluate.pairs=20000', 'evaluate.everySteps=100', 'evaluate.measures=["spectrum","correspondence"]']);
  const stopped = start(train('stopped', '--json', ...long));
  await stopped.until((event) => event.kind === 'evaluating');
  const began = performance.now();
  stopped.child.kill('SIGTERM');
  expect(await stopped.result).toMatchObject({ code: 1 });
  expect(performance.now() - began).toBeLessThan(15_000);
  expect(statusOf(join(folder, 'stopped'))).toMatchObject({ state: 'stopped', step: 0, checkpoint: 0, evaluating: false, evaluation: null });
  expect(await run(train('stopped', '--resume', ...measuring))).toMatchObject({ code: 0, stderr: expect.stringMatching(/^step 0 {2}k-NN \d.*%, PCK@0 .*effective rank, centred \d/m) });
  expect(await measured('stopped')).toEqual(await measured('whole'));
  expect(weights('stopped')).toBe(weights('whole'));
});

test('stopped at the last evaluation it is not done, until it is resumed', async () => {
  const args = train('last', '--json', ...sets(['schedule.steps=2']), ...measuring);
  const stopped = start(args);
  await stopped.until((event) => event.kind === 'evaluating' && event.step === 2);
  stopped.child.kill('SIGINT');
  const { code } = await stopped.result;
  const after = (await readEvaluations(join(folder, 'last'))).map(({ step }) => step);
  // The signal may come when it has just been measured.
  expect(code === 1 ? after : [0]).toEqual([0]);
  expect(statusOf(join(folder, 'last'))).toMatchObject({ state: code === 1 ? 'stopped' : 'done', step: 2, checkpoint: 2 });
  expect(await run([...args, '--resume'])).toMatchObject({ code: 0 });
  expect((await readEvaluations(join(folder, 'last'))).map(({ step }) => step)).toEqual([0, 2]);
});

test('test images that are not there, or of other classes, are refused before the run begins', async () => {
  expect(await run(train('refused', ...measuring, ...sets([`data.test=${join(folder, 'nowhere')}`])))).toMatchObject({ code: 2, stderr: expect.stringContaining('nowhere') });
});
