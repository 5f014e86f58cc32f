/** A run's health from its rows: what is said for each illness, and that a healthy run hears nothing. */
import { expect, test } from 'vitest';
import type { MetricsRow } from '../../backend/protocol.ts';
import { completeRun } from '../../backend/train/runFile.ts';
import { assessHealth, healthWindow, remedyOf, uniformLossOf, type HealthLimits } from '../../backend/train/health.ts';

const limits: HealthLimits = { patience: 20, minFeatureStd: 0.05, minEffectiveRank: 1.2, uniformLoss: null, remedy: null };

/** Rows whose values follow from the step. */
function rows(count: number, values: (step: number) => Partial<MetricsRow>): MetricsRow[] {
  return Array.from({ length: count }, (_, i) => ({
    step: i + 1, epoch: i / 10, loss: 2 * 0.995 ** i, grad_norm: 1, learning_rate: 1e-3, images_per_second: 100, seconds: 0.1, data_seconds: 0, elapsed_seconds: i / 10, memory_mb: 100,
    feature_std: 0.8, effective_rank: 12, ...values(i + 1),
  }));
}

const kinds = (history: MetricsRow[], over: Partial<HealthLimits> = {}): string[] => assessHealth(history, { ...limits, ...over }).map(({ kind }) => kind);

test('a run that learns is well, with noise, and with too few rows to tell', () => {
  expect(kinds(rows(500, () => ({})))).toEqual([]);
  expect(kinds(rows(500, (step) => ({ loss: 1 + 0.4 * Math.sin(step * 7.1) })))).toEqual([]);
  expect(kinds(rows(19, () => ({ feature_std: 0, loss: NaN })))).toEqual([]);
  expect(assessHealth([], limits)).toEqual([]);
});

test('features that collapse are named when they have for a while, and no longer when they recover', () => {
  const collapsing = rows(200, (step) => ({ feature_std: step > 150 ? 0.01 : 0.8 }));
  expect(kinds(collapsing.slice(0, 169))).toEqual([]);
  expect(kinds(collapsing.slice(0, 170))).toEqual(['feature-collapse']);
  expect(kinds([...collapsing, ...rows(1, () => ({}))])).toEqual([]);
  const [finding] = assessHealth(collapsing, { ...limits, remedy: remedyOf(completeRun({ preset: 'tiny', name: 'x', data: { train: 'x' } }, { folder: '/' })) });
  expect(finding).toMatchObject({ step: 200, summary: expect.stringContaining('0.01'), cause: expect.stringContaining('same feature'), advice: expect.stringContaining('lambda') });
});

test('one direction, a vanished gradient', () => {
  expect(kinds(rows(100, () => ({ effective_rank: 1.05 })))).toEqual(['rank-collapse']);
  expect(kinds(rows(100, () => ({ grad_norm: 0 })))).toEqual(['vanishing-gradient']);
  expect(kinds(rows(100, () => ({ effective_rank: 1.05 })), { minEffectiveRank: 1 })).toEqual([]);
});

test('codes that collapse to one, but not at the beginning', () => {
  const one = rows(150, () => ({ code_perplexity: 1.02 }));
  expect(kinds(one)).toEqual(['code-collapse']);
  expect(kinds(one.slice(0, 60))).toEqual([]);
  expect(kinds(rows(150, () => ({ code_perplexity: 20 })))).toEqual([]);
});

test('a loss that doubles over its best diverges, a single spike does not', () => {
  expect(kinds(rows(100, (step) => ({ loss: step > 60 ? 5 : 1 })))).toEqual(['divergence']);
  expect(kinds(rows(100, (step) => ({ loss: step > 95 ? 50 : 1 })))).toEqual([]);
  expect(kinds(rows(100, (step) => ({ loss: step > 60 ? Infinity : 1 })))).toEqual(['divergence']);
});

test('a loss that stays at what a blind prediction gives', () => {
  const blind = rows(150, (step) => ({ loss: 0.9987 + 1e-4 * Math.sin(step) }));
  expect(kinds(blind, { uniformLoss: 767 / 768 })).toEqual(['uniform-loss']);
  expect(kinds(blind.slice(0, 60), { uniformLoss: 767 / 768 })).toEqual([]);
  expect(kinds(blind)).toEqual([]);
  const mae = completeRun({ preset: 'mae-vit-base', name: 'x', data: { train: 'x' } }, { folder: '/' });
  expect(uniformLossOf(mae)).toBe(767 / 768);
  expect(uniformLossOf({ ...mae, method: { ...mae.method, normalizePixels: false } as never })).toBeNull();
});

test('targets that no longer tell images apart, flat or all one', () => {
  for (const target_entropy of [11.09, 0]) {
    const [finding] = assessHealth(rows(100, () => ({ target_information: 0.001, target_entropy })), limits);
    expect(finding).toMatchObject({ kind: 'feature-collapse', summary: expect.stringContaining('targets have collapsed') });
  }
  expect(kinds(rows(100, () => ({ target_information: 0.5, target_entropy: 11.09 })))).toEqual([]);
});

test('each method\'s loss of a model that tells no image from another', () => {
  const lossOf = (preset: string, method = {}): number | null => uniformLossOf(completeRun({ preset, name: 'x', data: { train: 'x' }, method }, { folder: '/' }));
  expect(lossOf('mocov3-vit-base')).toBeCloseTo(4 * 0.2 * Math.log(256), 12);
  expect(lossOf('dino-vit-small')).toBeCloseTo(11.0904, 4);
  expect(lossOf('msn-vit-small')).toBeCloseTo(6.9315, 4);
  expect(lossOf('densecl-vit-base')).toBeCloseTo(11.0904, 4);
  expect(lossOf('beit-vit-base')).toBeCloseTo(9.0109, 4);
  expect(lossOf('supervised-vit-base')).toBeCloseTo(6.9078, 4);
  expect(lossOf('siamese-vit-base')).toBeNull();
});

test('only the window is looked at', () => {
  const history = rows(5000, (step) => ({ loss: step < 100 ? 0.1 : 1 }));
  expect(assessHealth(history, limits)).toEqual(assessHealth(history.slice(-healthWindow(20)), limits));
});

test('what helped others is said by the method, and names settings that it has', () => {
  const presets = { siamese: 'tiny', dino: 'dino-tiny', ibot: 'ibot-tiny', msn: 'msn-tiny', densecl: 'densecl-tiny', mocov3: 'mocov3-tiny' };
  const said = Object.entries(presets).map(([name, preset]) => {
    const config = completeRun({ preset, name: 'x', data: { train: 'x' } }, { folder: '/' });
    expect(config.method.name).toBe(name);
    const remedy = remedyOf(config)!;
    for (const [, key] of remedy.matchAll(/method\.(\w+)/g)) expect(Object.keys(config.method), `${name}: ${key}`).toContain(key);
    for (const [, key] of remedy.matchAll(/optimizer\.(\w+)/g)) expect(Object.keys(config.optimizer)).toContain(key);
    const collapsed = assessHealth(rows(100, () => ({ feature_std: 0 })), { ...limits, remedy });
    expect(collapsed[0]!.advice).toBe(remedy);
    return remedy;
  });
  expect(new Set(said).size).toBe(said.length);
  expect(remedyOf(completeRun({ preset: 'mae-vit-base', name: 'x', data: { train: 'x' } }, { folder: '/' }))).toBeNull();
});
