/** The official codes' checkpoints, by themselves: recognised, looked into and exported as the folder that says what they are. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { exportBackbone } from '../../backend/evaluate/export.ts';
import { encoderTokens, hasTarget } from '../../backend/evaluate/features.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { ownName } from '../../backend/methods/checkpointNames.ts';
import type { Branch } from '../../backend/methods/method.ts';
import { modelDimensions } from '../../backend/nn/model.ts';
import { imagePatches } from '../../backend/ops/imagePatches.ts';
import { Random } from '../../backend/random.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { encodePlainly } from './plainEncoder.ts';

const folder = temporaryFolder();
const reference = (name: string): string => join(import.meta.dirname, '../fixtures/reference', name, 'model.pth');

/** Folder, method, heads (tiny models have unusual numbers), branches. */
const cases: [name: string, method: string, heads: number, branches: Branch[]][] = [
  ['dino-1', 'dino', 5, ['online', 'target']],
  ['ibot-0', 'ibot', 3, ['online', 'target']],
  ['mocov3-mask-0', 'mocov3', 4, ['online', 'target']],
  ['msn-0', 'msn', 3, ['online', 'target']],
  ['densecl-vit-0', 'densecl', 3, ['online', 'target']],
  ['supervised-1', 'supervised', 4, ['online']],
  ['beit-0', 'beit', 3, ['online']],
  ['siamese-1', 'siamese', 4, ['online', 'target']],
  ['mae-0', 'mae', 3, ['online']],
];

/** The file without the folder that describes it. */
function alone(name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  const path = join(folder, name, 'model.pth');
  copyFileSync(reference(name), path);
  return path;
}

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
});

function picture(size: number): Uint8Array {
  const random = new Random(7);
  return Uint8Array.from({ length: size * size * 3 }, () => random.integer(0, 255));
}

describe.each(cases)('%s, of %s', (name, method, heads, branches) => {
  test('gives the features that it gives in its folder', async () => {
    const [told, found] = [await openModel(reference(name)), await openModel(alone(name), heads)];
    expect([found.method.name, hasTarget(found)]).toEqual([method, branches.includes('target')]);
    expect(modelDimensions(found.model)).toEqual(modelDimensions(told.model));
    const { imageSize, patchSize } = modelDimensions(told.model);
    for (const branch of branches) {
      const [a, b] = [told, found].map((m) => tf.tidy(() => encoderTokens(m, imagePatches(picture(imageSize), imageSize, patchSize), branch).dataSync<'float32'>().slice()));
      expect(b).toEqual(a);
      expect(a!.every(Number.isFinite)).toBe(true);
    }
    const values = branches.map((branch) => tf.tidy(() => encoderTokens(found, imagePatches(picture(imageSize), imageSize, patchSize), branch).dataSync<'float32'>().slice()));
    // A target that is merely the online branch once more would pass all of the above.
    if (values.length === 2) expect(values[0]).not.toEqual(values[1]);
    for (const m of [told, found]) m.parameters.dispose();
  });

  test('exports each branch so that a plain computation of the file gives our features', async () => {
    const found = await openModel(alone(name), heads);
    const { imageSize, patchSize } = modelDimensions(found.model);
    const pixels = picture(imageSize), area = imageSize ** 2;
    const [mean, std] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
    const normalised = Float32Array.from({ length: 3 * area }, (_, k) => (pixels[(k % area) * 3 + Math.floor(k / area)]! / 255 - mean[Math.floor(k / area)]!) / std[Math.floor(k / area)]!);
    for (const branch of branches) {
      const output = join(folder, `${name}-${branch}.safetensors`);
      const { architecture, timmArguments } = await exportBackbone(alone(name), output, { branch, heads });
      expect(timmArguments).toMatchObject({ num_heads: heads, global_pool: 'meanPooled' in architecture && architecture.meanPooled ? 'avg' : 'token' });
      const file = await openTensorFile(output);
      const weights = new Map<string, { shape: number[]; values: Float32Array }>();
      for (const tensor of file.tensors) weights.set(tensor.name, { shape: tensor.shape, values: await file.readFloat32(tensor.name) });
      await file.close();
      const plain = encodePlainly(weights, normalised, 1, { heads, eps: found.model.layerNormEps });
      const ours = tf.tidy(() => encoderTokens(found, imagePatches(pixels, imageSize, patchSize), branch).dataSync<'float32'>().slice());
      expect(plain.length).toBe(ours.length);
      expect(Math.max(...Array.from(ours, (x, i) => Math.abs(x - plain[i]!)))).toBeLessThan(2e-4);
    }
    found.parameters.dispose();
  });
});

describe('other files', () => {
  /** dino-1 with its names changed (null: left out). */
  async function renamed(change: (name: string) => string | null): Promise<string> {
    const from = await openTensorFile(reference('dino-1'));
    const tensors = await Promise.all(from.tensors.flatMap(({ name, shape }) => {
      const own = change(ownName(name, new Set()));
      return own === null ? [] : [from.readFloat32(name).then((data) => ({ name: own, dtype: 'F32' as const, shape, data }))];
    }));
    await from.close();
    const path = join(folder, 'renamed.safetensors');
    await writeSafetensors(path, tensors);
    return path;
  }
  const backbone = 'teacher.backbone.';

  test('an encoder by timm\'s names is a bare one', async () => {
    const { method, assumptions, parameters } = await openModel(await renamed((name) => (name.startsWith(backbone) ? name.slice(backbone.length) : null)), 5);
    expect(method.name).toBe('supervised');
    expect(assumptions).toContain('a bare encoder: what trained it is not in the file');
    parameters.dispose();
  });

  test('compiled and parallel training\'s prefixes are seen through', async () => {
    const { method, parameters } = await openModel(await renamed((name) => `state_dict.module._orig_mod.${name}`), 5);
    expect(method.name).toBe('dino');
    parameters.dispose();
  });

  test('the target alone is said to be that', async () => {
    const path = await renamed((name) => (name.startsWith('student.backbone.') ? null : name));
    const { assumptions, parameters } = await openModel(path, 5);
    expect(assumptions).toContain('the file holds the target branch alone');
    parameters.dispose();
    expect((await exportBackbone(path, join(folder, 'alone.safetensors'), { branch: 'online', heads: 5 })).warnings).toEqual(['the file holds the target branch alone: that is what was exported']);
  });

  test('a tensor that lacks is named', async () => {
    await expect(openModel(await renamed((name) => (name === 'student.backbone.blocks.1.norm2.bias' ? null : name)), 5)).rejects.toThrow('has no tensor student.backbone.blocks.1.norm2.bias: its encoder is not whole');
  });

  test('heads that cannot be are refused, and said how to be given', async () => {
    await expect(openModel(alone('dino-1'), 7)).rejects.toThrow('7 heads do not divide the encoder\'s width');
  });
});
