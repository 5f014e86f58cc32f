/** ResNets in checkpoints: recognised by their tensors alone, looked into, resized and exported. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from '../../backend/engines/choose.ts';
import { exportBackbone } from '../../backend/evaluate/export.ts';
import { hasTarget, imageFeatures, imageVectors, type FeatureModel } from '../../backend/evaluate/features.ts';
import { openModel } from '../../backend/evaluate/load.ts';
import { resizedModel } from '../../backend/evaluate/resize.ts';
import { openTensorFile, writeSafetensors } from '../../backend/formats/tensorFile.ts';
import { transformerDimensions } from '../../backend/nn/model.ts';
import { Random } from '../../backend/random.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const folder = temporaryFolder();
const reference = join(import.meta.dirname, '../fixtures/reference/densecl-0/model.pth');
const size = 96, width = 128;

const random = new Random(7);
const picture = Uint8Array.from({ length: size * size * 3 }, () => random.integer(0, 255));
const featuresOf = async (m: FeatureModel, branch: 'online' | 'target' = 'online') => (await imageFeatures(m, picture, branch)).patches;

/** One branch as the authors' script extracts it: bare names, with a classifier as torchvision's files have it. */
async function extracted(names: (name: string) => boolean = () => true): Promise<string> {
  const path = join(folder, 'extracted.safetensors'), prefix = 'encoder_q.0.';
  const file = await openTensorFile(reference);
  const tensors = file.tensors.map(({ name, shape }) => ({ name: name.slice(name.indexOf(prefix)), from: name, shape })).filter(({ name }) => name.startsWith(prefix) && names(name));
  await writeSafetensors(path, [...tensors.map(({ name, from, shape }) => ({ name: name.slice(prefix.length), shape, dtype: 'F32' as const, data: () => file.readFloat32(from) })), { name: 'fc.weight', shape: [2, width], dtype: 'F32' as const, data: () => Promise.resolve(new Float32Array(2 * width)) }], {});
  await file.close();
  return path;
}

beforeAll(async () => {
  await openEngine({ engine: 'wasm' }, { say: () => undefined });
});

test('DenseCL\'s file gives the features that it gives in its folder, of both branches', async () => {
  const path = join(folder, 'model.pth');
  copyFileSync(reference, path);
  const [told, found] = [await openModel(reference), resizedModel(await openModel(path), size)];
  expect([found.method.name, found.model.blocks, found.model.baseWidth, hasTarget(found)]).toEqual(['densecl', [1, 2, 1, 1], 4, true]);
  for (const branch of ['online', 'target'] as const) expect(await featuresOf(found, branch)).toEqual(await featuresOf(told, branch));
});

test('an extracted file and torchvision\'s are opened without the counters that old ones lack', async () => {
  const found = resizedModel(await openModel(await extracted((name) => !name.endsWith('num_batches_tracked'))), size);
  expect(await featuresOf(found)).toEqual(await featuresOf(await openModel(reference)));
  expect(found.assumptions.join()).toContain('supervised');
  await expect(extracted((name) => !name.endsWith('layer2.1.bn3.weight')).then((path) => openModel(path))).rejects.toThrow('layer2.1.bn3.weight');
  await expect(extracted((name) => !name.endsWith('conv3.weight')).then((path) => openModel(path))).rejects.toThrow('without bottleneck blocks');
});

test('its one vector is the mean of the last stage, where a Vision Transformer has a class token', async () => {
  const m = await openModel(reference);
  const { patches, pooled } = await imageFeatures(m, picture);
  expect(patches).toHaveLength((size / 32) ** 2 * width);
  for (const kind of ['class', 'last-block', 'mean'] as const) for (const [i, value] of (await imageVectors(m, picture, kind)).entries()) expect(value).toBeCloseTo(pooled[i]!, 5);
  expect(() => transformerDimensions(m.model)).toThrow('model.arch "resnet50" is a ResNet');
});

test('the export holds the branch\'s own values by torchvision\'s and timm\'s names', async () => {
  const output = join(folder, 'encoder.safetensors');
  const result = await exportBackbone(reference, output, { branch: 'target' });
  expect(result).toMatchObject({ architecture: { blocks: [1, 2, 1, 1], baseWidth: 4 }, timmModel: 'resnet50', timmArguments: { num_classes: 0, layers: [1, 2, 1, 1] } });
  expect(result.warnings.join()).toContain('no model of timm\'s takes it');
  const [exported, checkpoint] = [await openTensorFile(output), await openTensorFile(reference)];
  for (const { name } of exported.tensors) {
    const from = checkpoint.tensors.find((tensor) => tensor.name.endsWith(`encoder_k.0.${name}`))!;
    expect(Buffer.from(await exported.read(name)).equals(await checkpoint.read(from.name)), name).toBe(true);
  }
  expect(exported.tensors.map(({ name }) => name)).toEqual(expect.arrayContaining(['conv1.weight', 'bn1.running_mean', 'layer2.1.conv3.weight', 'layer1.0.downsample.0.weight', 'layer1.0.downsample.1.running_var']));
  await Promise.all([exported.close(), checkpoint.close()]);
});
