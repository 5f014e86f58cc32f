/** A run file's own masks: a view's mask is taken where it changes what the method computes, and refused, by its key, where nothing looks at it. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expandViews, gridOf, type MaskSpec, type ViewSpec } from '../../backend/augment/plan.ts';
import { drawMask } from '../../backend/augment/masks.ts';
import { methodOf } from '../../backend/methods/registry.ts';
import { presetNames } from '../../backend/presets/index.ts';
import { Random } from '../../backend/random.ts';
import { randomBatch } from '../../backend/train/benchStep.ts';
import { viewPlanOf, type RunConfig } from '../../backend/train/config.ts';
import { Learner, methodBatch } from '../../backend/train/learner.ts';
import { drawOf } from '../../backend/train/stepDraw.ts';
import { ratesAt } from '../../backend/train/rates.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { testEngines } from '../helpers/engines.ts';

const size = 4;
const names = [...presetNames.filter((name) => /(^|-)tiny$/.test(name)), 'mae-vit-small'];
const complete = (file: object): RunConfig => completeRun({ name: 'masks', data: { train: '.' }, ...file }, { folder: '' });
const configured = (preset: string) => complete({ preset, model: preset.includes('resnet') ? { baseWidth: 4 } : { imageSize: 64, patchSize: 8, width: 32, heads: 2, depth: 2 }, ...(preset.startsWith('mae') && { method: { decoderWidth: 32, decoderDepth: 1, decoderHeads: 2 } }) });

/** The configuration with another mask for one view. */
function withMask(config: RunConfig, view: string, mask: MaskSpec | null): RunConfig {
  const { views } = viewPlanOf(config);
  return { ...config, augment: views.map((spec) => (spec.name === view ? { ...spec, mask } : spec)) };
}

for (const engine of await testEngines(['torch'])) {
  if (engine.precision !== 'fp32') continue;
  describe(`${engine.name}`, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test.each(names)('%s', (preset) => {
      const config = configured(preset), plan = viewPlanOf(config);
      const learner = Learner.create(config), method = methodOf(config.method);
      const step = { rates: ratesAt(config, { totalSteps: 10, warmupSteps: 0, stepsPerEpoch: 2 }, 0).method ?? {}, draw: drawOf(0, 0, 0), detailed: false };
      const lossOf = (spec: ViewSpec, masked: number, seed: number): number => tf.tidy(() => {
        const random = new Random(seed), batch = randomBatch(config.model, config.method, size, 1);
        const members = expandViews({ ...plan, views: [spec] }).map(({ name }) => name);
        for (const view of batch.views.filter(({ name }) => members.includes(name))) view.mask = Uint8Array.from(Array.from({ length: size }, () => [...drawMask(random, gridOf(spec, plan.patchSize), { kind: 'random', count: masked })!]).flat());
        return method.forward(learner.parameters, config.model, config.method, methodBatch(batch, config.model, method.pictures), step).loss.dataSync()[0]!;
      });
      for (const spec of plan.views.filter(({ sameAs }) => sameAs === undefined)) {
        const own = spec.mask !== null && 'count' in spec.mask ? spec.mask.count : null;
        const masked = own ?? Math.max(1, (gridOf(spec, plan.patchSize) ** 2) >> 2);
        const [one, other] = [lossOf(spec, masked, 1), lossOf(spec, masked, 2)];
        const check = (): unknown => viewPlanOf(withMask(config, spec.name, { kind: 'random', count: masked }));
        if (one === other) expect(check, spec.name).toThrow(new RegExp(`^augment\\.${plan.views.indexOf(spec)}\\.mask hides patches of view ${spec.name}, and method ${config.method.name} looks at all of them: set it to null`));
        else expect(check, spec.name).not.toThrow();
      }
      learner.dispose();
    });
  });
}

test.each([
  ['msn-tiny', 'anchor', 'method.patchDrop'],
  ['dino-tiny', 'global0', 'method "ibot"'],
  ['mocov3-tiny', 'first', 'method.mask "random" or "block"'],
  ['tiny', 'target', 'a mask is for online'],
  ['ibot-tiny', 'local', 'a mask is for global0 and global1'],
  ['supervised-tiny', 'online', 'set it to null'],
])('%s says what to use in place of a mask of %s', (preset, view, instead) => {
  expect(() => viewPlanOf(withMask(configured(preset), view, { kind: 'random', count: 2 }))).toThrow(instead);
});

test('what a method needs of its masks', () => {
  const checked = (preset: string, view: string, mask: MaskSpec | null) => () => viewPlanOf(withMask(configured(preset), view, mask));
  for (const mask of [null, { kind: 'none' as const }, { kind: 'random' as const, count: 0 }]) expect(checked('beit-tiny', 'online', mask)).toThrow('augment.0.mask hides nothing of view online, and method beit learns from masked patches alone');
  expect(checked('mocov3-mask-tiny', 'second', { kind: 'random', count: 3 })).toThrow(/augment\.1\.mask hides 3 patches of view second, and that of first \d+: method mocov3 needs as many in both/);
  expect(checked('tiny', 'online', { kind: 'varied', shape: 'block', shares: [[0, 0.5]], minBlock: 4, aspect: [0.3, 3] })).toThrow('augment.0.mask hides another number of patches of view online in each image; method siamese drops masked patches');
  expect(checked('ibot-tiny', 'global0', null)).not.toThrow();
  expect(checked('tiny', 'online', null)).not.toThrow();
});
