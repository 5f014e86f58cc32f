/** DenseCL's own part of a run file, with the paper's defaults (Wang et al., CVPR 2021). */
import { z } from 'zod';

export const denseclSchema = z.strictObject({
  name: z.literal('densecl').describe('DenseCL (Wang et al., CVPR 2021): contrast images, and each patch with the patch of the other view that is most like it. On a ResNet as published, or on a ViT, for which there is no official code.'),
  hiddenWidth: z.int().positive().default(2048).describe('Width of the hidden layer of both heads.'),
  outputWidth: z.int().positive().default(128).describe('Width of the vectors that are compared.'),
  queueLength: z.int().positive().default(65536).describe('Keys of earlier batches that serve as negatives, of images and of patches each; a multiple of batch.size.'),
  temperature: z.number().positive().default(0.2).describe('Temperature of the contrastive losses.'),
  denseWeight: z.number().min(0).max(1).default(0.5).describe('Share of the patches\' loss; the rest is the images\'.'),
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.999, 0.999]).describe('Momentum of the key branch at the first and last step; a cosine between.'),
}).describe('DenseCL (Wang et al., CVPR 2021).');

export type DenseclOptions = z.infer<typeof denseclSchema>;
