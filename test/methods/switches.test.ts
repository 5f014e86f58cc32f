/** Every switch of the ablation table trains: each alone, on one batch, lowers its loss, reaches each trained parameter, and changes what is computed. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recipeOf } from '../../backend/methods/recipes.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { Learner } from '../../backend/train/learner.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { testEngines } from '../helpers/engines.ts';

const [engine] = await testEngines(['torch']);
const rates = { learningRate: 1e-3, weightDecay: 0, momentum: 0.99 };
const batchSize = 8, steps = 12;

const configured = (switches: object) => completeRun({ preset: 'tiny', name: 'switches', data: { train: '.' }, method: { name: 'siamese', decoderHeads: 2, projectorDepth: 1, predictorDepth: 1, ...switches } }, { folder: '' });

/** The switches that differ from the paper's own values, one at a time, and the pairs that must go together. */
const cases: [what: string, switches: Record<string, unknown>][] = [
  ['the paper\'s own values', {}],
  ['pixels as target', { target: 'pixel', loss: 'l2' }],
  ['pixels as target, one view', { target: 'pixel', loss: 'l2', views: 'same' }],
  ['one view for both branches', { views: 'same' }],
  ['no colours', { colour: false }],
  ['a random mask', { mask: 'random' }],
  ['no mask', { mask: 'none' }],
  ['another share masked', { maskRatio: 0.3 }],
  ['layer norm in the projector', { projectorNorm: 'layer' }],
  ['layer norm in the predictor', { predictorNorm: 'layer' }],
  ['targets of unit length', { targetNorm: 'l2' }],
  ['a global loss', { level: 'global' }],
  ['the plain distance', { loss: 'l2' }],
  ['the plain distance of unit vectors', { loss: 'l2', targetNorm: 'l2' }],
  ['another weight of the decorrelating term', { lambda: 0.1 }],
  ['another width of the decoder', { decoderWidth: 32 }],
  ['no projector', { projectorDepth: 0 }],
  ['a trained patch embedding', { trainPatchEmbed: true }],
  ['a norm on the prediction', { onlineNorm: true }],
];

describe.skipIf(!engine)('SiameseIM\'s switches', () => {
  beforeAll(() => engine!.open());
  afterAll(() => engine?.close());
  const firstLosses = new Map<string, number>();

  test.each(cases)('%s', async (what, switches) => {
    const config = configured(switches);
    const batch = randomBatch(config.model, config.method, batchSize, 1);
    const learner = Learner.create(config);
    const before = tf.memory().numTensors;
    const losses: number[] = [];
    let idle: string[] = [];
    for (let step = 0; step < steps; step++) {
      const { loss } = await learner.step([batch], rates);
      losses.push(loss);
    }
    expect(tf.memory().numTensors).toBe(before);
    // First moments tell which parameters a gradient has reached.
    for (const { name, read } of learner.optimizerTensors()) if (name.startsWith('exp_avg.') && (await read()).every((v) => v === 0)) idle = [...idle, name.slice('exp_avg.'.length)];
    learner.dispose();
    expect(losses.every(Number.isFinite), losses.join(' ')).toBe(true);
    expect(losses.at(-1)!, losses.map((l) => l.toFixed(4)).join(' ')).toBeLessThan(losses[0]!);
    // A global loss predicts no place: it has no mask token, no relative positions.
    const unused = switches.level === 'global' ? /^(mask_token|decoder_pos_mlp\.)/ : /^$/;
    expect(idle.filter((name) => !unused.test(name))).toEqual([]);
    firstLosses.set(what, losses[0]!);
  });

  test('each changes the views that are drawn, or what is computed from them', () => {
    const plan = (switches: object): string => {
      const { model, method } = configured(switches);
      return JSON.stringify(recipeOf(method).views(model, method));
    };
    const seen = cases.map(([what, switches]) => `${plan(switches)} ${firstLosses.get(what)!.toPrecision(12)}`);
    // A frozen patch embedding differs from a trained one from the second step on.
    expect(new Set(seen).size).toBe(cases.length - 1);
  });
});

if (!engine) console.log('SKIPPED: the switches of SiameseIM: there is no torch engine here');
