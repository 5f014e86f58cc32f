/** BEiT's own part of a run file, with the paper's defaults (Bao et al., ICLR 2022). */
import { z } from 'zod';
import { choice } from '../choice.ts';

export const beitSchema = z.strictObject({
  name: z.literal('beit').describe('BEiT (Bao et al., ICLR 2022): tell the codes that a fixed tokenizer gives masked patches.'),
  vocabulary: z.int().min(2).default(8192).describe('Codes of the tokenizer.'),
  tokenizer: choice({ projection: 'A fixed random projection of each patch\'s normalised pixels to the nearest of random codes: a variant, for the paper\'s dVAE needs weights of its own.' }).default('projection').describe('What gives a patch its code.'),
  positions: choice({ relative: 'A bias on attention for each offset, shared by all blocks, as in the paper.', learned: 'An embedding for each place.' }).default('relative').describe('How patches know their places.'),
  maskShare: z.number().gt(0).lt(1).default(75 / 196).describe('Share of patches that is masked, at most, in rectangles of at least 16.'),
}).describe('BEiT (Bao et al., ICLR 2022).');

export type BeitOptions = z.infer<typeof beitSchema>;
