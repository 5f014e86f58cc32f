/** RandAugment (Cubuk et al., 2020) as timm has it: a few operations of a fixed set, drawn with replacement, all of about one magnitude. */
import { z } from 'zod';
import { choice } from '../../choice.ts';
import type { Interpolation } from '../resample.ts';
import type { Op, OpParameters } from './op.ts';
import { policyNames, policyOperation, type PolicyName } from './policy.ts';
import { probability } from './probability.ts';

const schema = z.strictObject({
  op: z.literal('randAugment').describe('Applies some of fifteen changes of colour and shape. Some move pixels, so that places in the view are no longer those of the crop.'),
  p: probability,
  operations: z.int().min(1).max(15).default(2).describe('Operations that are drawn for a view, with replacement.'),
  chance: z.number().min(0).max(1).default(0.5).describe('Probability of each of them to be applied.'),
  magnitude: z.number().min(0).max(10).default(9).describe('Mean magnitude of the operations.'),
  deviation: z.number().min(0).max(10).default(0.5).describe('Standard deviation of the magnitude, which is cut to [0, 10].'),
  interpolation: choice({ bicubic: 'MAE\'s and DeiT\'s.', bilinear: 'Softer.', random: 'One of the two, drawn for each operation.' }).default('bicubic').describe('How pixels that move are read.'),
});

/** `order` names what is applied, a second time as "rotate 2"; beside it the argument of each, and in `interpolation` how each reads pixels. */
interface Drawn extends OpParameters {
  order: readonly string[];
  interpolation: readonly string[];
}

export const randAugment: Op<'randAugment', typeof schema, Drawn> = {
  name: 'randAugment',
  schema,
  draw(random, { operations, chance, magnitude, deviation, interpolation }) {
    const order: string[] = [], readings: Interpolation[] = [], values: Record<string, number> = {};
    for (let i = 0; i < operations; i++) {
      const name = policyNames[random.integer(0, policyNames.length - 1)]!;
      const isApplied = random.chance(chance);
      const drawn = Math.min(10, Math.max(0, magnitude + deviation * random.normal()));
      const argument = policyOperation(name).argument?.(random, drawn);
      const reading = interpolation === 'random' ? (random.chance(0.5) ? 'bilinear' : 'bicubic') : interpolation;
      if (!isApplied) continue;
      const before = order.filter((other) => other.split(' ')[0] === name).length;
      const label = before > 0 ? `${name} ${before + 1}` : name;
      order.push(label);
      readings.push(reading);
      if (argument !== undefined) values[label] = argument;
    }
    return { ...values, order, interpolation: readings };
  },
  apply(kernels, picture, { order, interpolation, ...values }) {
    order.forEach((label, i) => policyOperation(label.split(' ')[0] as PolicyName).apply(kernels, picture, (values[label] as number | undefined) ?? 0, interpolation[i] as Interpolation));
  },
};

/** Whether pixels were moved, so that places in the view are not those of its crop. */
export const movesPixels = (op: string, { order }: OpParameters): boolean => op === randAugment.name && Array.isArray(order) && order.some((label: string) => policyOperation(label.split(' ')[0] as PolicyName).moves);
