/** The optimizer's configuration: AdamW (Loshchilov and Hutter, 2019) as the self-supervised recipes use it. */
import { z } from 'zod';

export const optimizerSchema = z.strictObject({
  name: z.literal('adamw').default('adamw').describe('The optimizer.'),
  baseLearningRate: z.number().positive().default(6.25e-5).describe('Learning rate for 256 images a step; scaled linearly with the batch.'),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.95]).describe('Decay of the first and second moment.'),
  eps: z.number().positive().default(1e-8).describe('Added to the root of the second moment.'),
  weightDecay: z.number().min(0).default(0.05).describe('Decoupled weight decay; biases, norms and one-dimensional parameters have none.'),
  clipNorm: z.number().positive().nullable().default(1).describe('Greatest global gradient norm; null: no clipping.'),
}).describe('The optimizer.');

export type OptimizerConfig = z.infer<typeof optimizerSchema>;
