/** What a colour op is: a name, the schema of its settings, what it draws for a sample, and what that does to a view. */
import type { z } from 'zod';
import type { Random } from '../../random.ts';
import type { Kernels, Picture } from '../kernels.ts';

/** What an op drew, as plain JSON, so that it can be shown, stored and applied again. */
export type OpParameters = Readonly<Record<string, number | readonly string[]>>;

export interface Op<Name extends string, Schema extends z.ZodType, Parameters extends OpParameters> {
  name: Name;
  /** Of the op's entry in a view's `ops`; has `op` (the name) and `p` (its probability). */
  schema: Schema;
  /** Draws the parameters for one view of one sample; the draw of p has been made before. */
  draw(random: Random, spec: z.infer<Schema>): Parameters;
  /** Changes the picture in place; scratch memory from the arena is released again. */
  apply(kernels: Kernels, picture: Picture, parameters: Parameters): void;
}

/** Bytes of a picture. */
export const byteCount = (picture: Picture): number => picture.width * picture.height * 3;
