/** Gaussian blur as PIL's GaussianBlur has it: three passes of an extended box blur (Gwosdek et al., 2011) along each axis. */
import { z } from 'zod';
import type { Op } from './op.ts';
import { probability } from './probability.ts';

const schema = z.strictObject({
  op: z.literal('gaussianBlur').describe('Blurs the view.'),
  p: probability,
  // Kernels sum a window in 16 bits, which holds for box radii to 63.
  sigma: z.tuple([z.number().min(0).max(50), z.number().min(0).max(50)]).describe('Least and greatest standard deviation, in pixels of the view; drawn evenly.'),
});

const passes = 3;
const float = Math.fround;

/** The real radius of the box whose `passes`-fold blur has standard deviation sigma, in PIL's single precision. */
function boxRadius(sigma: number): number {
  const variance = float((float(sigma) * float(sigma)) / passes);
  const length = float(Math.sqrt(12 * variance + 1));
  const whole = Math.floor((length - 1) / 2);
  const rest = float((2 * whole + 1) * (whole * (whole + 1) - 3 * variance));
  return float(whole + float(rest / (6 * (variance - (whole + 1) * (whole + 1)))));
}

export const gaussianBlur: Op<'gaussianBlur', typeof schema, { sigma: number }> = {
  name: 'gaussianBlur',
  schema,
  draw: (random, { sigma: [low, high] }) => ({ sigma: random.uniform(low, high) }),
  apply(kernels, { pointer, width, height }, { sigma }) {
    if (sigma === 0) return;
    const real = boxRadius(sigma);
    const radius = Math.floor(real);
    // 24-bit fixed-point weights of the window and of the two pixels beyond it.
    const windowWeight = Math.floor(float(2 ** 24 / float(real * 2 + 1)));
    const farWeight = Math.floor((2 ** 24 - (2 * radius + 1) * windowWeight) / 2);
    const mark = kernels.mark();
    const scratchBytes = (width + 2 * radius + 2) * (height + 2 * radius + 2) * 3;
    const scratch0 = kernels.allocate(scratchBytes);
    const scratch1 = kernels.allocate(scratchBytes);
    kernels.run.gaussianBlur(pointer, width, height, scratch0, scratch1, radius, windowWeight, farWeight);
    kernels.release(mark);
  },
};
