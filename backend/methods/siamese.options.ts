/** Siamese Image Modeling's own part of a run file, with the paper's defaults (Tao et al., CVPR 2023) and every switch of its ablation table. */
import { z } from 'zod';

export const siameseSchema = z.strictObject({
  name: z.literal('siamese'),
  target: z.enum(['feature', 'pixel']).default('feature').describe('What is predicted: the target branch\'s dense features, or normalised pixels of view b.'),
  views: z.enum(['different', 'same']).default('different').describe('Two crops of the image, or one crop for both branches.'),
  colour: z.boolean().default(true).describe('Colour jitter, greyscale, blur and solarize on the views.'),
  mask: z.enum(['block', 'random', 'none']).default('block').describe('How patches of the online view are masked.'),
  maskRatio: z.number().gt(0).lt(1).default(0.6).describe('Share of the online view\'s patches that is masked; 0.6 of 196 is exactly 118.'),
  projectorNorm: z.enum(['batch', 'layer']).default('batch').describe('Norm of the projector\'s blocks; batch norm is over all tokens.'),
  predictorNorm: z.enum(['batch', 'layer']).default('batch').describe('Norm of the predictor\'s blocks.'),
  targetNorm: z.enum(['layer', 'l2']).default('layer').describe('Normalisation of the target: MAE-like layer norm without affine, or MoCo-like l2.'),
  level: z.enum(['dense', 'global']).default('dense').describe('Loss on every token, or on the mean token of a view.'),
  loss: z.enum(['unigrad', 'l2']).default('unigrad').describe('UniGrad (a positive and a decorrelating term), or plain L2.'),
  lambda: z.number().min(0).default(0.02).describe('Weight of UniGrad\'s decorrelating term.'),
  decoderWidth: z.int().positive().optional().describe('Width of projector and predictor; default: the encoder\'s.'),
  decoderHeads: z.int().positive().default(16).describe('Attention heads of projector and predictor.'),
  projectorDepth: z.int().min(0).default(2).describe('Blocks of the projector.'),
  predictorDepth: z.int().positive().default(4).describe('Blocks of the predictor.'),
  trainPatchEmbed: z.boolean().default(false).describe('Train the patch embedding, which the paper keeps frozen at its initial values.'),
  onlineNorm: z.boolean().default(false).describe('The official code\'s `student_norm`: a layer norm, kept at its initial values, on the prediction.'),
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.995, 1]).describe('Momentum of the target branch at the first and last step; a cosine between.'),
}).describe('Siamese Image Modeling.');

export type SiameseOptions = z.infer<typeof siameseSchema>;
