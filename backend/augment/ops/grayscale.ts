/** Greyscale: each pixel's luma (ITU-R 601-2, PIL's convert('L')) in all three channels. */
import { z } from 'zod';
import type { Op } from './op.ts';
import { probability } from './probability.ts';

const schema = z.strictObject({ op: z.literal('grayscale').describe('Takes the colours away.'), p: probability });

export const grayscale: Op<'grayscale', typeof schema, Record<never, never>> = {
  name: 'grayscale',
  schema,
  draw: () => ({}),
  apply: (kernels, picture) => kernels.run.blendLuma(picture.pointer, picture.width * picture.height, 0),
};
