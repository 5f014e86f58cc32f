/** The optimizer's configuration: AdamW (Loshchilov and Hutter, 2019) as the self-supervised recipes use it. */
import { z } from 'zod';

export const optimizerSchema = z.strictObject({
  name: z.literal('adamw').default('adamw').describe('AdamW (Loshchilov and Hutter, 2019).'),
  baseLearningRate: z.number().positive().default(6.25e-5).describe('Peak learning rate for 256 images a step; scaled by batch.size * batch.accumulate / 256.'),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.95]).describe('Decay of the moving averages of the gradient and of its square.'),
  eps: z.number().positive().default(1e-8).describe('Added to the root of the second moment, against division by zero.'),
  weightDecay: z.number().min(0).default(0.05).describe('Decoupled weight decay; biases, norms and one-dimensional parameters have none.'),
  clipNorm: z.number().positive().nullable().default(1).describe('Greatest global gradient norm; null: no clipping.'),
}).describe('The optimizer.');

export type OptimizerConfig = z.infer<typeof optimizerSchema>;
