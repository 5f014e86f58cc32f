/** Siamese Image Modeling's own part of a run file, with the paper's defaults (Tao et al., CVPR 2023) and every switch of its ablation table. */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { minBlock } from './minBlock.ts';
import { solarize } from './solarize.ts';

export const siameseSchema = z.strictObject({
  name: z.literal('siamese').describe('Siamese Image Modeling (Tao et al., CVPR 2023): predict the features of one view of an image from another, masked view of it, patch by patch.'),
  target: choice({ feature: 'Dense features of the target branch, the moving average of the online one.', pixel: 'Normalised pixels of view b; there is no target branch then.' }).default('feature').describe('What is predicted for each patch of view b.'),
  views: choice({ different: 'Two crops of the image, each with its own flip.', same: 'One crop and flip for both branches.' }).default('different').describe('Whether both branches see the same part of the image.'),
  colour: z.boolean().default(true).describe('Whether views get colour jitter, greyscale, blur and solarize; false: crops and flips alone.'),
  solarize,
  scale: z.tuple([z.number().gt(0).max(1), z.number().gt(0).max(1)]).default([0.08, 1]).describe('Least and greatest area of the crops, as a share of the image.'),
  mask: choice({ block: 'Rectangles of `minBlock` patches or more, until the share is masked exactly.', random: 'Single patches, drawn evenly.', none: 'Nothing is masked.' }).default('block').describe('How patches of the online view are masked.'),
  maskRatio: z.number().gt(0).lt(1).default(0.6).describe('Share of the online view\'s patches that is masked; 0.6 of 196 is exactly 118.'),
  minBlock,
  projectorNorm: choice({ batch: 'Batch norm over all tokens, as in the paper.', layer: 'Layer norm of each token.' }).default('batch').describe('Norm of the projector\'s blocks.'),
  predictorNorm: choice({ batch: 'Batch norm over all tokens, as in the paper.', layer: 'Layer norm of each token.' }).default('batch').describe('Norm of the predictor\'s blocks.'),
  targetNorm: choice({ layer: 'Layer norm without affine, as MAE has it.', l2: 'Unit length, as MoCo has it.' }).default('layer').describe('How target features are normalised.'),
  level: choice({ dense: 'Every patch is compared.', global: 'The mean over a view\'s patches is compared.' }).default('dense').describe('What the loss compares.'),
  loss: choice({ unigrad: 'UniGrad (Tao et al., CVPR 2022): a positive term, and one that keeps features from becoming alike.', l2: 'The squared distance alone.' }).default('unigrad').describe('How prediction and target are compared.'),
  lambda: z.number().min(0).default(0.02).describe('Weight of UniGrad\'s decorrelating term; 0 leaves it out, and features may collapse.'),
  decoderWidth: z.int().positive().optional().describe('Width of projector and predictor; default: the encoder\'s.'),
  decoderHeads: z.int().positive().default(16).describe('Attention heads of projector and predictor; divides their width.'),
  projectorDepth: z.int().min(0).default(2).describe('Blocks of the projector.'),
  predictorDepth: z.int().positive().default(4).describe('Blocks of the predictor.'),
  trainPatchEmbed: z.boolean().default(false).describe('Train the patch embedding, which the paper keeps frozen at its initial values.'),
  onlineNorm: z.boolean().default(false).describe('The official code\'s `student_norm`: a layer norm, kept at its initial values, on the prediction.'),
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.995, 1]).describe('Momentum of the target branch at the first and last step; a cosine between.'),
}).describe('Siamese Image Modeling (Tao et al., CVPR 2023).');

export type SiameseOptions = z.infer<typeof siameseSchema>;
