/** The correspondence view's calls: features, matches' truth, rates, attention and reconstructions of checkpoints. */
import { z } from 'zod';
import type { CorrespondenceCalls } from '../protocol.ts';
import type { ModelDrawer } from './correspondenceModels.ts';
import type { ViewAnswers } from './serve.ts';

const path = z.string().min(1).max(4096);
const branch = z.enum(['online', 'target']);
const layer = z.string().max(20);
const seed = z.int().min(0).max(2 ** 32 - 1);
/** At most of a model of 1,024 pixels a side. */
const pixels = z.instanceof(Uint8Array).refine(({ length }) => length <= 3 * 1024 ** 2, 'is too large');
const maxImages = 10_000, maxPairs = 4096;

/** The engine and the models: loaded at the first call, kept. */
let drawer: Promise<ModelDrawer> | null = null;
const loaded = (): Promise<ModelDrawer> =>
  (drawer ??= import('./correspondenceModels.ts').then(({ openModelDrawer }) => openModelDrawer())).catch((error: Error) => {
    drawer = null;
    throw error;
  });

export const correspondenceAnswers: ViewAnswers<CorrespondenceCalls> = {
  model: { schema: z.strictObject({ checkpoint: path }), answer: async (request, context) => (await loaded()).model(request, context) },
  pair: { schema: z.strictObject({ checkpoint: path, a: path, b: path.nullable(), seed, branch, layer }), answer: async (request, context) => (await loaded()).pair(request, context) },
  rates: { schema: z.strictObject({ checkpoint: path, images: z.array(path).min(1).max(maxImages), pairs: z.int().min(1).max(maxPairs), seed, branch, layer }), answer: async (request, context) => (await loaded()).rates(request, context) },
  attention: { schema: z.strictObject({ checkpoint: path, pixels, branch, block: z.int().min(0).max(1000) }), answer: async (request, context) => (await loaded()).attention(request, context) },
  reconstruction: { schema: z.strictObject({ checkpoint: path, pixels, seed }), answer: async (request, context) => (await loaded()).reconstruction(request, context) },
};
