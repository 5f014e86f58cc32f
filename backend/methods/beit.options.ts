/** BEiT's own part of a run file, with the paper's defaults (Bao et al., ICLR 2022). */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { InputError } from '../errors.ts';

export const beitSchema = z.strictObject({
  name: z.literal('beit').describe('BEiT (Bao et al., ICLR 2022): tell the codes that a fixed tokenizer gives masked patches.'),
  vocabulary: z.int().min(2).default(8192).describe('Codes of the tokenizer.'),
  tokenizer: choice({
    projection: 'A fixed random projection of each patch\'s normalised pixels to the nearest of random codes: a variant that needs no weights.',
    dvae: 'OpenAI\'s dVAE, as in the paper: its encoder.pkl, or the encoder\'s state dict, is method.tokenizerWeights.',
    trained: 'A dVAE trained on images of your own: the file that "siamscope tokenizer" wrote, or a checkpoint of BEiT\'s customized dVAE, is method.tokenizerWeights.',
  }).default('projection').describe('What gives a patch its code.'),
  tokenizerWeights: z.string().min(1).nullable().default(null).describe('File of the tokenizer\'s weights, for dvae and trained; relative to this file. It is read when the run begins, and kept in the checkpoints.'),
  tokenizerWidth: z.int().min(4).max(8192).default(256).describe('Channels of the dVAE\'s first layer; for dvae a multiple of 4.'),
  tokenizerStride: z.int().min(2).max(64).default(8).describe('Pixels of the tokenizer\'s own, smaller view for each patch, along a side: a power of two, 8 for dvae.'),
  positions: choice({ relative: 'A bias on attention for each offset, shared by all blocks, as in the paper.', learned: 'An embedding for each place.' }).default('relative').describe('How patches know their places.'),
  maskShare: z.number().gt(0).lt(1).default(75 / 196).describe('Share of patches that is masked, at most, in rectangles of at least 16.'),
}).describe('BEiT (Bao et al., ICLR 2022).');

export type BeitOptions = z.infer<typeof beitSchema>;

/** The tokenizer in words, as reports name it. */
export const tokenizerLabels: Record<BeitOptions['tokenizer'], string> = { projection: 'random projection as tokenizer', dvae: 'OpenAI\'s dVAE as tokenizer', trained: 'a dVAE trained here as tokenizer' };

/** Side of the view that the tokenizer sees, in pixels, for `grid` patches a side; null where it sees the model's own view. Throws InputError where its options contradict each other. */
export function tokenizerSide(grid: number, { tokenizer, tokenizerWeights, tokenizerStride, tokenizerWidth }: BeitOptions): number | null {
  if (tokenizer === 'projection') {
    if (tokenizerWeights !== null) throw new InputError('method.tokenizerWeights is given, and method.tokenizer is "projection", which has none: set method.tokenizer to dvae (OpenAI\'s) or trained');
    return null;
  }
  if (tokenizerWeights === null) throw new InputError(`method.tokenizer "${tokenizer}" needs its weights: set method.tokenizerWeights to ${tokenizer === 'dvae' ? 'OpenAI\'s encoder.pkl, or the encoder\'s state dict' : 'the file that "siamscope tokenizer" wrote'}`);
  if (!Number.isInteger(Math.log2(tokenizerStride))) throw new InputError(`method.tokenizerStride ${tokenizerStride} is not a power of two: the tokenizer halves its image a few times`);
  if (tokenizer === 'dvae' && tokenizerStride !== 8) throw new InputError(`method.tokenizerStride ${tokenizerStride}: OpenAI's dVAE has 8`);
  if (tokenizer === 'dvae' && tokenizerWidth % 4 !== 0) throw new InputError(`method.tokenizerWidth ${tokenizerWidth} is not a multiple of 4, as OpenAI's dVAE has it`);
  return grid * tokenizerStride;
}
