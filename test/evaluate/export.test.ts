/** Exported encoders: timm's features of them, an independent computation and our own encoder agree. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { exportBackbone } from '../../backend/evaluate/export.ts';
import type { ExportOptions } from '../../backend/evaluate/export.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import type { TensorToWrite } from '../../backend/formats/tensorFile.ts';
import { encode, encoderSpecs } from '../../backend/nn/encoder.ts';
import { modelSchema } from '../../backend/nn/model.ts';
import { Parameters, Scope } from '../../backend/nn/parameters.ts';
import { pythonWith } from '../helpers/python.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { encodePlainly } from './plainEncoder.ts';
import type { Weights } from './plainEncoder.ts';

const folder = temporaryFolder();
const fixtures = join(import.meta.dirname, '../fixtures');
const checkpointOf = (name: string) => join(fixtures, 'reference', name, 'model.pth');
const batchOf = (name: string) => join(fixtures, 'reference', name, 'batch.safetensors');

/** Problem, branch, heads, and which images of the batch. */
const cases: [problem: string, branch: ExportOptions['branch'], heads: number, images: string][] = [['siamese-2', 'online', 4, 'x1'], ['siamese-2', 'target', 4, 'x2'], ['mae-0', 'online', 3, 'crop0'], ['beit-0', 'online', 3, 'crop0']];

async function weightsOf(path: string): Promise<Map<string, { shape: number[]; values: Float32Array }>> {
  const file = await openTensorFile(path);
  const weights = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const { name, shape } of file.tensors) weights.set(name, { shape, values: await file.readFloat32(name) });
  await file.close();
  return weights;
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
};

describe.each(cases)('%s, %s encoder', (problem, branch, heads, images) => {
  const output = join(folder, `${problem}-${branch}.safetensors`);
  const timm = join(fixtures, 'timm', `${problem}-${branch}.safetensors`);

  test('timm\'s features are those of an independent computation', async () => {
    const { architecture } = await exportBackbone(checkpointOf(problem), output, { branch, heads });
    expect(architecture).toMatchObject({ heads });
    const { shape, values } = (await weightsOf(batchOf(problem))).get(images)!;
    const plain = encodePlainly(await weightsOf(output), values, shape[0]!, { heads, eps: 1e-6 });
    expect(largest(plain, (await weightsOf(timm)).get('features')!.values)).toBeLessThan(1e-4);
  });

  // BEiT's is opened by the whole way of a checkpoint, in officialEncoders.test.ts.
  if (!problem.startsWith('beit')) test('our encoder gives the same features', async () => {
    await exportBackbone(checkpointOf(problem), output, { branch, heads });
    const weights = await weightsOf(output);
    const { shape, values } = (await weightsOf(batchOf(problem))).get(images)!;
    expect(largest(await ours(weights, values, shape[0]!, heads), (await weightsOf(timm)).get('features')!.values)).toBeLessThan(1e-4);
  });

  test('timm itself, installed', async (context) => {
    // Its framework takes gigabytes: only where asked for.
    if (process.env.SIAMSCOPE_TEST_TIMM !== '1') {
      console.warn('SKIPPED: set SIAMSCOPE_TEST_TIMM=1 to install timm and PyTorch (several GB) and run them; their recorded features were checked above');
      return context.skip('SIAMSCOPE_TEST_TIMM is not 1');
    }
    const python = await pythonWith(['torch==2.15.0', 'torchvision==0.29.2', 'timm==1.0.31', 'safetensors==0.8.0']);
    if (!python) return context.skip('no Python with timm');
    await exportBackbone(checkpointOf(problem), output, { branch, heads });
    const features = join(folder, 'features.safetensors');
    await promisify(execFile)(python, [join(fixtures, 'timm/features.py'), output, batchOf(problem), images, features]);
    expect(largest((await weightsOf(features)).get('features')!.values, (await weightsOf(timm)).get('features')!.values)).toBeLessThan(1e-5);
  }, 1_800_000);
});

/** Our encoder on TensorFlow.js's own backend; MAE's last norm applied after it. */
async function ours(weights: Weights, images: Float32Array, batch: number, heads: number): Promise<Float32Array> {
  await tf.setBackend('cpu');
  const of = (name: string) => weights.get(name)!;
  const [width, , patch] = of('patch_embed.proj.weight').shape as [number, number, number];
  const size = Math.sqrt(images.length / batch / 3), grid = size / patch;
  const depth = [...weights.keys()].filter((name) => name.endsWith('norm1.weight')).length;
  const model = modelSchema.parse({ imageSize: size, patchSize: patch, width, depth, heads, layerScale: weights.has('blocks.0.ls1.gamma') ? 1 : null });
  const parameters = new Parameters(encoderSpecs(model, true), 0);
  for (const { name } of parameters.specs) parameters.set(name, of(name).values, of(name).shape);
  const features = tf.tidy(() => {
    const patches = tf.reshape(tf.transpose(tf.tensor(images, [batch, 3, grid, patch, grid, patch]), [0, 2, 4, 1, 3, 5]), [batch, grid * grid, 3 * patch * patch]);
    const positions: tf.Tensor = tf.tensor(of('pos_embed').values, of('pos_embed').shape);
    const tokens = encode(new Scope(parameters), model, patches, positions, null, false);
    if (!weights.has('norm.weight')) return tokens;
    const { mean, variance } = tf.moments(tokens, -1, true);
    return tf.add(tf.mul(tf.div(tf.sub(tokens, mean), tf.sqrt(tf.add(variance, 1e-6))), tf.tensor(of('norm.weight').values)), tf.tensor(of('norm.bias').values));
  });
  const values = await features.data<'float32'>();
  features.dispose();
  parameters.dispose();
  return values;
}

describe('the exported file', () => {
  test('holds the checkpoint\'s own bytes under timm\'s names, and says how timm makes the model', async () => {
    const output = join(folder, 'target.safetensors');
    const result = await exportBackbone(checkpointOf('siamese-2'), output, { branch: 'target', heads: 4 });
    const [exported, checkpoint] = [await openTensorFile(output), await openTensorFile(checkpointOf('siamese-2'))];
    expect(exported.tensors).toHaveLength(2 + 2 + 14 * 2);
    for (const { name } of exported.tensors) {
      const from = name === 'pos_embed' ? 'model.pos_embed' : `model.mm_${name}`;
      expect(Buffer.from(await exported.read(name)).equals(await checkpoint.read(from)), name).toBe(true);
    }
    expect(exported.metadata).toMatchObject({ format: 'pt', branch: 'target', timm_model: 'vit_base_patch16_224' });
    expect(JSON.parse(exported.metadata.timm_arguments as string)).toEqual({ img_size: 64, patch_size: 16, embed_dim: 48, depth: 2, num_heads: 4, mlp_ratio: 4, init_values: 1, final_norm: false, num_classes: 0, global_pool: 'token' });
    expect(result).toMatchObject({ tensors: 32, warnings: [], bytes: readFileSync(output).length });
    await Promise.all([exported.close(), checkpoint.close()]);
  });

  test('the same from a safetensors checkpoint, in half precision too', async () => {
    const checkpoint = await openTensorFile(checkpointOf('mae-0'));
    const tensors: TensorToWrite[] = checkpoint.tensors.map(({ name, shape, bytes }) => ({ name: name.replace('model.', ''), dtype: 'BF16', shape, data: new Uint8Array(bytes / 2).fill(name.length) }));
    await checkpoint.close();
    const input = join(folder, 'half.safetensors'), output = join(folder, 'half-export.safetensors');
    await writeSafetensors(input, tensors);
    await exportBackbone(input, output, { branch: 'online', heads: 3 });
    const exported = await openTensorFile(output);
    expect(new Set(exported.tensors.map(({ dtype }) => dtype))).toEqual(new Set(['BF16']));
    await exported.close();
  });
});

describe('attention heads', () => {
  test('unknown: left out, and said', async () => {
    const { architecture, timmArguments, warnings } = await exportBackbone(checkpointOf('mae-0'), join(folder, 'heads.safetensors'), { branch: 'online' });
    expect(architecture).toMatchObject({ heads: null });
    expect(timmArguments).not.toHaveProperty('num_heads');
    expect(warnings).toEqual([expect.stringContaining('the number of attention heads is unknown')]);
  });

  test('from the config.json of the run that the checkpoint lies in', async () => {
    const run = join(folder, 'run'), step = join(run, 'checkpoints/100');
    mkdirSync(step, { recursive: true });
    copyFileSync(checkpointOf('mae-0'), join(step, 'model.pth'));
    const config = (model: unknown) => writeFileSync(join(run, 'config.json'), JSON.stringify({ name: 'x', model }));
    const heads = async () => {
      const { architecture } = await exportBackbone(join(step, 'model.pth'), join(folder, 'heads.safetensors'), { branch: 'online' });
      return 'heads' in architecture ? architecture.heads : undefined;
    };
    config({ arch: 'vit_small', width: 48, depth: 2, heads: 3, imageSize: 96 });
    expect(await heads()).toBe(3);
    // Of another width: not this checkpoint's.
    config({ arch: 'vit_small' });
    expect(await heads()).toBeNull();
    writeFileSync(join(run, 'config.json'), '{ not JSON');
    expect(await heads()).toBeNull();
    config({ arch: 'vit_small', width: 48, heads: 6, layerNormEps: 1e-5 });
    const { warnings } = await exportBackbone(join(step, 'model.pth'), join(folder, 'heads.safetensors'), { branch: 'online' });
    expect(warnings).toEqual([expect.stringContaining('epsilon 0.00001, while timm uses 0.000001')]);
  });

  test('that do not divide the width are refused', async () => {
    await expect(exportBackbone(checkpointOf('mae-0'), join(folder, 'heads.safetensors'), { branch: 'online', heads: 5 })).rejects.toThrow('5 heads do not divide the encoder\'s width of 48');
  });
});

describe('refused:', () => {
  const refuses = (input: string, branch: ExportOptions['branch'], message: string) => expect(exportBackbone(input, join(folder, 'refused.safetensors'), { branch })).rejects.toThrow(message);
  /** mae-0 with some tensors changed or left out (null). */
  async function changed(change: (name: string, shape: number[]) => number[] | null): Promise<string> {
    const checkpoint = await openTensorFile(checkpointOf('mae-0'));
    const tensors = checkpoint.tensors.flatMap(({ name, shape }): TensorToWrite[] => {
      const own = name.replace('model.', ''), newShape = change(own, shape);
      return newShape ? [{ name: own, dtype: 'F32', shape: newShape, data: new Float32Array(newShape.reduce((a, b) => a * b, 1)) }] : [];
    });
    await checkpoint.close();
    const path = join(folder, 'changed.safetensors');
    await writeSafetensors(path, tensors);
    return path;
  }

  test('the target of MAE', () => refuses(checkpointOf('mae-0'), 'target', 'has no target branch: export the online one'));
  test('the checkpoint as its own output', () => expect(exportBackbone(checkpointOf('mae-0'), checkpointOf('mae-0'), { branch: 'online' })).rejects.toThrow('is the checkpoint itself'));
  test('a batch', () => refuses(batchOf('mae-0'), 'online', 'has no tensor cls_token and no layer1.0.conv1.weight: it is no checkpoint of a known method'));
  test('a missing tensor', async () => refuses(await changed((name, shape) => (name === 'blocks.1.attn.proj.bias' ? null : shape)), 'online', 'has no tensor blocks.1.attn.proj.bias'));
  test('another shape', async () => refuses(await changed((name, shape) => (name === 'blocks.1.mlp.fc2.weight' ? [48, 191] : shape)), 'online', 'tensor blocks.1.mlp.fc2.weight has the shape [48, 191] instead of [48, 192]'));
  test('heads that are not those of the relative positions', () => expect(exportBackbone(checkpointOf('beit-0'), join(folder, 'refused.safetensors'), { branch: 'online', heads: 4 })).rejects.toThrow('has relative positions of 3 heads'));
  test('positions that are no square', async () => refuses(await changed((name, shape) => (name === 'pos_embed' ? [1, 36, 48] : shape)), 'online', 'pos_embed has 36 positions'));
});
