/** Every method by name: the one place that a new method is added to. */
import { z } from 'zod';
import { maeSchema } from './mae.options.ts';
import { mae } from './mae.ts';
import type { Method } from './method.ts';
import { siamese } from './siamese.ts';
import { siameseSchema } from './siamese.options.ts';

export const methodSchema = z.discriminatedUnion('name', [siameseSchema, maeSchema]).describe('What is trained, and its own options.');

export type MethodConfig = z.infer<typeof methodSchema>;

const methods: { [N in MethodConfig['name']]: Method<Extract<MethodConfig, { name: N }>> } = { siamese, mae };

/** The method that a run file names. */
export const methodOf = (config: MethodConfig): Method<MethodConfig> => methods[config.name];
