/** The lab shows BEiT's two views of one crop: the smaller one has no steps of its own, and moves with the other. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { imageDataset } from '../../backend/data/image.ts';
import { methodSchema, recipeOf } from '../../backend/methods/recipes.ts';
import { modelSchema } from '../../backend/nn/model.ts';
import { SampleDrawer } from '../../backend/views/augmentationSample.ts';

const photos = join(import.meta.dirname, '../fixtures/photos');
const photo = readdirSync(photos, { recursive: true, encoding: 'utf8' }).find((name) => /\.jpe?g$/i.test(name))!;

test('a view that is the same as another has its crop, its colours and its patches', async () => {
  const model = modelSchema.parse({}), method = methodSchema.parse({ name: 'beit', tokenizer: 'dvae', tokenizerWeights: 'encoder.pkl' });
  const plan = recipeOf(method).views(model, method);
  const drawer = new SampleDrawer(), key = { seed: 1, epoch: 0, index: 0, drawnAs: 0 };
  const sample = (boxes: Parameters<SampleDrawer['sample']>[1]['boxes']) => drawer.sample(imageDataset(join(photos, photo)), { plan, dropped: [], key, boxes, withImage: false, positionWidth: null }, new AbortController().signal);
  const { views, pairs } = await sample([]);
  const [online, tokenizer] = views;
  expect(views.map(({ name, cropOf, grid, picture }) => [name, cropOf, grid, picture.width])).toEqual([['online', 0, 14, 224], ['tokenizer', 0, 14, 112]]);
  expect(tokenizer!.box).toEqual(online!.box);
  expect(tokenizer!.steps.map(({ op, applied, parameters }) => ({ op, applied, parameters }))).toEqual(online!.steps.map(({ op, applied, parameters }) => ({ op, applied, parameters })));
  expect(tokenizer!.steps.every(({ place }) => place === null)).toBe(true);
  expect(pairs[0]).toMatchObject({ overlapOfA: 1, overlapOfB: 1 });
  const box = { ...online!.box, width: online!.box.width - 1 };
  const moved = (await sample([box])).views;
  expect(moved.map(({ box: { width }, drawn }) => [width, drawn])).toEqual([[box.width, false], [box.width, false]]);
});
