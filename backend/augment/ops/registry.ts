/** Every op of a view, by name: a new one is a file beside this and one entry here. */
import { z } from 'zod';
import { colorJitter } from './colorJitter.ts';
import { gaussianBlur } from './gaussianBlur.ts';
import { grayscale } from './grayscale.ts';
import type { Op, OpParameters } from './op.ts';
import { probability } from './probability.ts';
import { randAugment } from './randAugment.ts';
import { solarize } from './solarize.ts';

const ops = [colorJitter, grayscale, gaussianBlur, solarize, randAugment] as const;

/** The flip is no op on pixels: it decides how the crop reads the image, before all others. */
const flipSchema = z.strictObject({ op: z.literal('horizontalFlip').describe('Mirrors the crop, before everything else.'), p: probability });

type Schemas<Ops extends readonly unknown[]> = { -readonly [I in keyof Ops]: Ops[I] extends { schema: infer S } ? S : never };

export const opSchema = z.discriminatedUnion('op', [flipSchema, ...(ops.map((op) => op.schema) as unknown as Schemas<typeof ops>)]);

export type OpSpec = z.infer<typeof opSchema>;

/** The op of a name, free of its own types: `parameters` must be what its own `draw` gave. */
export function opNamed(name: string): Op<string, z.ZodType, OpParameters> | undefined {
  return (ops as readonly unknown[] as readonly Op<string, z.ZodType, OpParameters>[]).find((op) => op.name === name);
}
