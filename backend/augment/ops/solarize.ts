/** Solarize: every byte at or above the threshold is inverted (PIL's ImageOps.solarize). */
import { z } from 'zod';
import { byteCount, type Op } from './op.ts';
import { probability } from './probability.ts';

const schema = z.strictObject({
  op: z.literal('solarize').describe('Inverts what is bright.'),
  p: probability,
  threshold: z.int().min(0).max(256).default(128).describe('Bytes at or above it are inverted.'),
});

export const solarize: Op<'solarize', typeof schema, { threshold: number }> = {
  name: 'solarize',
  schema,
  draw: (_random, { threshold }) => ({ threshold }),
  apply: (kernels, picture, { threshold }) => kernels.run.solarize(picture.pointer, byteCount(picture), threshold),
};
