/** Masked Autoencoders' own part of a run file, with the paper's defaults (He et al., CVPR 2022). */
import { z } from 'zod';

export const maeSchema = z.strictObject({
  name: z.literal('mae').describe('Masked Autoencoders (He et al., CVPR 2022): fill in the pixels of masked patches of one view.'),
  maskRatio: z.number().gt(0).lt(1).default(0.75).describe('Share of patches that is masked, at random.'),
  decoderWidth: z.int().positive().default(512).describe('Width of the decoder.'),
  decoderDepth: z.int().positive().default(8).describe('Blocks of the decoder.'),
  decoderHeads: z.int().positive().default(16).describe('Attention heads of the decoder; divides its width.'),
  normalizePixels: z.boolean().default(true).describe('Predict each patch normalised by its own mean and variance, which gives better features; false: plain pixels.'),
}).describe('Masked Autoencoders (He et al., CVPR 2022).');

export type MaeOptions = z.infer<typeof maeSchema>;
