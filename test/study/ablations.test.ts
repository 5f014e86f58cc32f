/** The presets of the paper's ablation table: each is the method itself but for its row's switches, and trains. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presets } from '../../backend/presets/index.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import type { RunConfig } from '../../backend/train/config.ts';
import { Learner } from '../../backend/train/learner.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { testEngines } from '../helpers/engines.ts';

const [engine] = await testEngines(['torch']);

const layerNorm = { projectorNorm: 'layer', predictorNorm: 'layer' }, unit = { targetNorm: 'l2' }, oneView = { views: 'same' }, plain = { colour: false }, random = { mask: 'random' }, pixels = { target: 'pixel', loss: 'l2' };

/** The table, row by row, as what differs from the full method. */
const rows: Record<string, Record<string, unknown>> = {
  a: { ...pixels, ...oneView, ...plain, ...random, ...layerNorm },
  b: { ...oneView, ...plain, ...random, ...layerNorm, ...unit },
  c: { ...pixels, ...oneView, ...random, ...layerNorm },
  d: { ...pixels, ...plain, ...random, ...layerNorm },
  e: { ...plain, ...random, ...layerNorm, ...unit },
  f: { ...random, ...layerNorm, ...unit },
  g: { ...random, ...unit },
  h: unit,
  i: {},
  j: { loss: 'l2' },
  k: { ...random, ...unit, level: 'global' },
};

const complete = (preset: string, over: object = {}): RunConfig => completeRun({ preset, name: 'ablation', data: { train: '.' }, ...over }, { folder: '' });

test('there is a preset for each row', () => {
  expect(Object.keys(presets).filter((name) => /^siamese-.$/.test(name))).toEqual(Object.keys(rows).map((row) => `siamese-${row}`));
});

test.each(Object.entries(rows))('(%s) differs from the base by exactly its switches', (row, switches) => {
  const base = complete('siamese-vit-base'), ablation = complete(`siamese-${row}`);
  for (const [key, value] of Object.entries(switches)) expect((base.method as unknown as Record<string, unknown>)[key], key).not.toBe(value);
  expect(ablation).toEqual({ ...base, method: { ...base.method, ...switches }, schedule: { ...base.schedule, epochs: 400 } });
});

describe.skipIf(!engine)('at a tiny size', () => {
  beforeAll(() => engine!.open());
  afterAll(() => engine?.close());

  test.each(Object.keys(rows))('(%s) trains two steps', async (row) => {
    const config = complete(`siamese-${row}`, { model: presets.tiny!.model, method: presets.tiny!.method, batch: { size: 8 } });
    const batch = randomBatch(config.model, config.method, 8, 1);
    const learner = Learner.create(config);
    const losses = [];
    for (let step = 0; step < 2; step++) losses.push((await learner.step([batch], { learningRate: 1e-3, weightDecay: 0, momentum: 0.99 })).loss);
    learner.dispose();
    expect(losses.every(Number.isFinite), losses.join(' ')).toBe(true);
    expect(losses[1]).toBeLessThan(losses[0]!);
  });
});

if (!engine) console.log('SKIPPED: two steps of each ablation: there is no torch engine here');
