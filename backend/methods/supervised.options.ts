/** Supervised training's own part of a run file: the recipe that MAE's authors train their baseline and fine-tune with (He et al., CVPR 2022). */
import { z } from 'zod';
import { choice } from '../choice.ts';

export const supervisedSchema = z.strictObject({
  name: z.literal('supervised').describe('Supervised training: tell the class of every image; data.train must have classes.'),
  classes: z.int().min(2).max(1_000_000).describe('Classes that are told apart: at least as many as the images have.'),
  pooling: choice({ mean: 'The mean of the patch tokens, then a norm.', class: 'The class token after the final norm.' }).default('mean').describe('What the classifier sees.'),
  labelSmoothing: z.number().min(0).lt(1).default(0.1).describe('Share of each label that is spread over all classes.'),
  mixup: z.number().min(0).default(0.8).describe('Mixup: images and labels are blended in pairs by a share from Beta(mixup, mixup); 0: never.'),
  cutmix: z.number().min(0).default(1).describe('CutMix: a box of one image is put into another, of an area from Beta(cutmix, cutmix); 0: never. With mixup, each batch has one of the two.'),
  randAugment: z.number().min(0).max(10).nullable().default(9).describe('Magnitude of RandAugment in the method\'s own views: two operations, each with probability 0.5; null: a little colour jitter in its place.'),
  erasing: z.number().min(0).max(1).default(0.25).describe('Probability that a box of an image is filled with noise (random erasing). It acts on normalised pixels, so it is not among the views\' ops.'),
  positions: choice({
    learned: 'An embedding for each place, as ViT has it.',
    relative: 'BEiT\'s: a bias on attention for each offset, of each block\'s own, as BEiT is fine-tuned; its blocks have BEiT\'s parameters.',
    'relative-shared': 'The same with one bias for all blocks, as BEiT is pre-trained.',
  }).default('learned').describe('How patches know their places.'),
  trainPositions: z.boolean().default(true).describe('Whether position embeddings, or BEiT\'s biases, are trained; SiameseIM\'s fine-tuning keeps them.'),
  layerDecay: z.number().gt(0).max(1).default(1).describe('The learning rate of each block is so much smaller than that of the next: below 1 for fine-tuning.'),
  ema: z.number().gt(0).lt(1).nullable().default(null).describe('A moving average of all weights is kept beside them, and this much of it stays at each step; evaluation measures it as the target branch. null: none.'),
}).describe('Supervised training.');

export type SupervisedOptions = z.infer<typeof supervisedSchema>;
