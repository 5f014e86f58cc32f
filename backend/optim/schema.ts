/** The optimizer's configuration, as the self-supervised recipes use it. */
import { z } from 'zod';
import { choice } from '../choice.ts';

export const optimizerSchema = z.strictObject({
  name: choice({ adamw: 'AdamW (Loshchilov and Hutter, 2019).', sgd: 'Stochastic gradient descent with momentum; weight decay is part of the gradient.', lars: 'LARS (You et al., 2017): momentum on gradients that are scaled to each weight\'s norm; biases and norms are stepped as by SGD.' }).default('adamw').describe('How parameters follow their gradients.'),
  baseLearningRate: z.number().positive().default(6.25e-5).describe('Peak learning rate for 256 images a step; scaled by batch.size * batch.accumulate / 256.'),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.95]).describe('AdamW\'s decay of the moving averages of the gradient and of its square.'),
  momentum: z.number().min(0).lt(1).default(0.9).describe('The momentum of SGD and LARS.'),
  eps: z.number().positive().default(1e-8).describe('Added to the root of the second moment, against division by zero.'),
  weightDecay: z.number().min(0).default(0.05).describe('Decoupled weight decay; biases, norms and one-dimensional parameters have none.'),
  weightDecayEnd: z.number().min(0).nullable().default(null).describe('Weight decay of the last step, reached by half a cosine; null: it stays as it is.'),
  clipNorm: z.number().positive().nullable().default(1).describe('Greatest norm of the gradient; null: no clipping.'),
  clip: choice({ global: 'The norm of all gradients together.', tensor: 'The norm of each parameter\'s gradient, as DINO and iBOT have it.' }).default('global').describe('Which norm is clipped.'),
}).describe('The optimizer.');

export type OptimizerConfig = z.infer<typeof optimizerSchema>;
