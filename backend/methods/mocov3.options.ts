/** MoCo-v3's own part of a run file, with the paper's defaults (Chen et al., ICCV 2021), and the mask that SiameseIM's authors compare with. */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { minBlock } from './minBlock.ts';
import { solarize } from './solarize.ts';

export const mocov3Schema = z.strictObject({
  name: z.literal('mocov3').describe('MoCo-v3 (Chen et al., ICCV 2021): tell two views of the same image from those of all other images of the batch.'),
  loss: choice({ contrastive: 'Each query is to be found among the batch\'s keys, as in the paper.', unigrad: 'UniGrad (Tao et al., CVPR 2022) of unit vectors, as the row "MoCo-v3 with mask" of SiameseIM\'s table has it: needs no large batch.' }).default('contrastive').describe('How queries and keys are compared.'),
  temperature: z.number().positive().default(0.2).describe('Temperature of the contrastive loss: smaller values weigh the most similar other images more.'),
  lambda: z.number().min(0).default(0.02).describe('Weight of UniGrad\'s decorrelating term; 0 leaves it out, and features may collapse.'),
  hiddenWidth: z.int().positive().default(4096).describe('Width of the hidden layers of projector and predictor.'),
  outputWidth: z.int().positive().default(256).describe('Width of the vectors that are compared.'),
  projectorLayers: z.int().min(2).max(8).default(3).describe('Linear layers of the projector.'),
  predictorLayers: z.int().min(2).max(8).default(2).describe('Linear layers of the predictor.'),
  trainPatchEmbed: z.boolean().default(false).describe('Train the patch embedding, which the paper keeps frozen at its random initial values for stable training.'),
  scale: z.tuple([z.number().gt(0).max(1), z.number().gt(0).max(1)]).default([0.08, 1]).describe('Least and greatest area of the crops, as a share of the image.'),
  solarize,
  mask: choice({ none: 'Nothing is masked: the paper\'s MoCo-v3.', block: 'Rectangles of `minBlock` patches or more, until the share is masked exactly.', random: 'Single patches, drawn evenly.' }).default('none').describe('How patches of the online views are masked; masked ones are dropped.'),
  maskRatio: z.number().gt(0).lt(1).default(0.6).describe('Share of the online views\' patches that is masked, where mask is on.'),
  minBlock,
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.99, 1]).describe('Momentum of the target branch at the first and last step; a cosine between.'),
}).describe('MoCo-v3 (Chen et al., ICCV 2021). The contrastive loss has the other images of one forward pass as negatives: prefer a large batch.size to batch.accumulate.');

export type Mocov3Options = z.infer<typeof mocov3Schema>;
