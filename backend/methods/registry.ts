/** Every method by name: the one place that a new method is added to. */
import { z } from 'zod';
import { maeSchema } from './mae.options.ts';
import { siameseSchema } from './siamese.options.ts';

export const methodSchema = z.discriminatedUnion('name', [siameseSchema, maeSchema]).describe('What is trained, and its own options.');

export type MethodConfig = z.infer<typeof methodSchema>;
