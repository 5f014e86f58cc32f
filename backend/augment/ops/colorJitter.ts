/** Colour jitter (torchvision's ColorJitter on PIL images): brightness, contrast, saturation and hue, in an order drawn anew each time. */
import { z } from 'zod';
import type { Random } from '../../random.ts';
import type { Kernels, Picture } from '../kernels.ts';
import { byteCount, type Op } from './op.ts';
import { probability } from './probability.ts';

const strength = z.number().min(0);

const schema = z.strictObject({
  op: z.literal('colorJitter').describe('Changes brightness, contrast, saturation and hue, in an order drawn anew each time.'),
  p: probability,
  brightness: strength.describe('Strength x: the factor is drawn from [max(0, 1 - x), 1 + x]; 0 changes nothing.'),
  contrast: strength.describe('Strength x: the factor is drawn from [max(0, 1 - x), 1 + x]; 0 changes nothing.'),
  saturation: strength.describe('Strength x: the factor is drawn from [max(0, 1 - x), 1 + x]; 0 changes nothing.'),
  hue: z.number().min(0).max(0.5).describe('Shift is drawn from [-x, x], in turns of the colour wheel.'),
});

/** One jitter of a picture, in place, with Pillow's rounding. */
const jitters: Record<'brightness' | 'contrast' | 'saturation' | 'hue', (kernels: Kernels, picture: Picture, value: number) => void> = {
  brightness: (kernels, picture, factor) => kernels.run.blendLevel(picture.pointer, byteCount(picture), 0, factor),
  contrast(kernels, picture, factor) {
    const count = picture.width * picture.height;
    const mean = Math.floor(Number(kernels.run.lumaSum(picture.pointer, count)) / count + 0.5);
    kernels.run.blendLevel(picture.pointer, byteCount(picture), mean, factor);
  },
  saturation: (kernels, picture, factor) => kernels.run.blendLuma(picture.pointer, picture.width * picture.height, factor),
  // The shift is cut to a whole step of 1/255 turn and wraps at 256, as in torchvision.
  hue: (kernels, picture, turns) => kernels.run.shiftHue(picture.pointer, picture.width * picture.height, Math.trunc(turns * 255) & 255),
};

export type JitterName = keyof typeof jitters;
export const jitterNames = Object.keys(jitters) as JitterName[];

/** Applies one jitter: a factor for brightness, contrast and saturation (1 changes nothing), a shift in turns for hue. */
export function jitter(kernels: Kernels, picture: Picture, name: JitterName, value: number): void {
  if (value !== (name === 'hue' ? 0 : 1)) jitters[name](kernels, picture, value);
}

const factor = (random: Random, x: number): number => random.uniform(Math.max(0, 1 - x), 1 + x);

export const colorJitter: Op<'colorJitter', typeof schema, { order: readonly JitterName[] } & Record<JitterName, number>> = {
  name: 'colorJitter',
  schema,
  draw(random, { brightness, contrast, saturation, hue }) {
    const order = Array.from(random.permutation(jitterNames.length), (i) => jitterNames[i]!);
    return {
      order,
      brightness: factor(random, brightness),
      contrast: factor(random, contrast),
      saturation: factor(random, saturation),
      hue: random.uniform(-hue, hue),
    };
  },
  apply(kernels, picture, parameters) {
    for (const name of parameters.order) jitter(kernels, picture, name, parameters[name]);
  },
};
