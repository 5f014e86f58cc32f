/** Agreement with the authors' code: losses, terms, predictions, targets, every gradient and three optimizer steps, on every native engine. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runParity } from '../../backend/train/parity.ts';
import { testEngines } from '../helpers/engines.ts';

const folders = ['siamese-0', 'siamese-1', 'siamese-2', 'mae-0'];
const folderOf = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name);

const testEnginesHere = await testEngines();

for (const engine of testEnginesHere) {
  const [first, later] = engine.precision === 'bf16' ? [2e-2, 2e-2] : [1e-4, 1e-3];
  describe(`${engine.name} ${engine.precision}`, () => {
    beforeAll(() => engine.open());
    afterAll(() => engine.close());

    test.each(folders)('%s', async (name) => {
      const before = tf.memory().numTensors;
      const { errors, worst } = await runParity(folderOf(name));
      const { losses, grad_norms, after_three_steps, ...ofFirstStep } = errors;
      for (const [kind, error] of Object.entries(ofFirstStep)) expect(error, `${kind} ${worst[kind] ?? ''}`).toBeLessThan(first);
      for (const [kind, error] of Object.entries({ losses, grad_norms, after_three_steps })) expect(error, `${kind} ${worst[kind] ?? ''}`).toBeLessThan(later);
      expect(Object.keys(errors)).toEqual(expect.arrayContaining(['loss', 'losses', 'grad_norms', 'gradients', 'pred', 'after_three_steps']));
      expect(tf.memory().numTensors, 'tensors left').toBe(before);
    });
  });
}

describe('a folder without expectations', () => {
  const [engine] = testEnginesHere;
  beforeAll(() => engine?.open());
  afterAll(() => engine?.close());

  test('is computed all the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'siamscope-parity-'));
    try {
      await cp(folderOf('siamese-2'), folder, { recursive: true });
      const { config, losses } = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8'));
      await rm(join(folder, 'expected.safetensors'));
      await writeFile(join(folder, 'expected.json'), JSON.stringify({ config }));
      const result = await runParity(folder);
      expect(result.errors).toEqual({});
      result.losses.forEach((loss, i) => expect(loss).toBeCloseTo(losses[i], engine!.precision === 'bf16' ? 1 : 4));
      expect(Object.keys(result.gradients)).toContain('decoder_pos_mlp.weight');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('without a config is refused with what it lacks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'siamscope-parity-'));
    try {
      await writeFile(join(folder, 'expected.json'), '{}');
      await expect(runParity(folder)).rejects.toThrow(/config/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
