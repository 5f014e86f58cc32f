/** The correspondence view's calls: features, matches' truth, rates, attention, codes, prototypes and reconstructions of checkpoints. */
import { z } from 'zod';
import type { CorrespondenceCalls } from '../protocol.ts';
import type { ModelDrawer } from './correspondenceModels.ts';
import type { ViewAnswers } from './serve.ts';

const path = z.string().min(1).max(4096);
const index = z.int().min(0);
const model = z.strictObject({ checkpoint: path, untrained: z.boolean() });
const source = z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('run'), checkpoint: path }), z.strictObject({ kind: z.literal('path'), path })]);
const image = z.strictObject({ source, index });
const viewName = z.string().max(64);
const choice = { seed: z.int().min(0).max(2 ** 32 - 1), branch: z.enum(['online', 'target']), layer: z.string().max(20), views: z.strictObject({ a: viewName, b: viewName }).nullable(), masked: z.boolean() };
const pair = z.strictObject({ model, a: image, b: image.nullable(), ...choice });
const maxPairs = 4096, maxBlocks = 1000, maxGathered = 100_000, maxPictures = 24;

/** The engine and the models: loaded at the first call, kept. */
let drawer: Promise<ModelDrawer> | null = null;
const loaded = (): Promise<ModelDrawer> =>
  (drawer ??= import('./correspondenceModels.ts').then(({ openModelDrawer }) => openModelDrawer())).catch((error: Error) => {
    drawer = null;
    throw error;
  });

export const correspondenceAnswers: ViewAnswers<CorrespondenceCalls> = {
  'correspondence/images': { schema: z.strictObject({ source }), answer: async (request) => (await import('./correspondenceImages.ts')).countImages(request.source) },
  'correspondence/model': { schema: z.strictObject({ model }), answer: async (request, context) => (await loaded()).model(request, context) },
  'correspondence/pair': { schema: pair, answer: async (request, context) => (await loaded()).pair(request, context) },
  'correspondence/rates': { schema: z.strictObject({ model, images: source, only: index.nullable(), pairs: z.int().min(1).max(maxPairs), ...choice }), answer: async (request, context) => (await loaded()).rates(request, context) },
  'correspondence/attention': { schema: pair.extend({ view: z.enum(['a', 'b']), block: z.int().min(0).max(maxBlocks) }), answer: async (request, context) => (await loaded()).attention(request, context) },
  'correspondence/codes': { schema: pair, answer: async (request, context) => (await loaded()).codes(request, context) },
  'correspondence/assignments': { schema: pair, answer: async (request, context) => (await loaded()).assignments(request, context) },
  'correspondence/gather': { schema: z.strictObject({ model, images: source, by: z.enum(['codes', 'prototypes']), count: z.int().min(1).max(maxGathered) }), answer: async (request, context) => (await loaded()).gather(request, context) },
  'correspondence/pictures': { schema: z.strictObject({ model, images: source, indices: z.array(index).max(maxPictures) }), answer: async (request, context) => (await loaded()).pictures(request, context) },
  'correspondence/reconstruction': { schema: pair, answer: async (request, context) => (await loaded()).reconstruction(request, context) },
};
