/** The tokenizer's own part of a run file, with the values of BEiT's customized dVAE. */
import { z } from 'zod';
import { InputError } from '../errors.ts';
import type { ModelConfig } from '../nn/model.ts';

export const dvaeSchema = z.strictObject({
  name: z.literal('dvae').describe('A discrete VAE, to be BEiT\'s tokenizer: an image becomes a grid of codes and is painted again from them. Of the model, only imageSize and patchSize count: the tokenizer\'s view, and its pixels for each code.'),
  vocabulary: z.int().min(2).default(8192).describe('Codes to tell patches by.'),
  width: z.int().positive().max(8192).default(256).describe('Channels of the encoder\'s and decoder\'s layers.'),
  codeWidth: z.int().positive().max(8192).default(512).describe('Numbers that stand for a code where the decoder begins.'),
  temperature: z.number().positive().default(0.9).describe('Of the Gumbel softmax by which codes are drawn: lower is nearer to a single code, and learns more roughly.'),
}).describe('A discrete VAE (Ramesh et al., ICML 2021; Bao et al., ICLR 2022) as a tokenizer.');

export type DvaeOptions = z.infer<typeof dvaeSchema>;

/** Halvings of the image. Throws InputError where the patch is no power of two. */
export function dvaeLayers({ patchSize }: ModelConfig): number {
  const layers = Math.log2(patchSize);
  if (!Number.isInteger(layers) || layers < 1) throw new InputError(`model.patchSize ${patchSize} is not a power of two from 2 on: method dvae halves its image until each code has such a square, 8 in the paper`);
  return layers;
}
