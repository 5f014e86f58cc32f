/** What a run needs to know of its method before there is a tensor: its options, its views, how its target branch follows. Free of TensorFlow.js, so that a run file is read at once. */
import { z } from 'zod';
import type { ViewPlan } from '../augment/plan.ts';
import type { ModelConfig } from '../nn/model.ts';
import { maeSchema } from './mae.options.ts';
import { siameseSchema } from './siamese.options.ts';
import { pairedViews, singleView } from './views.ts';

export const methodSchema = z.discriminatedUnion('name', [siameseSchema, maeSchema]).describe('What is trained, and its own options.');

export type MethodConfig = z.infer<typeof methodSchema>;

export interface Recipe<C> {
  /** The views of a sample, by the paper's recipe. */
  views(this: void, model: ModelConfig, options: C): ViewPlan;
  /** Momentum of the target branch at the first and last step; null where there is no target branch. */
  momentum(this: void, options: C): [number, number] | null;
}

const recipes: { [N in MethodConfig['name']]: Recipe<Extract<MethodConfig, { name: N }>> } = {
  siamese: { views: pairedViews, momentum: (options) => (options.target === 'feature' ? options.momentum : null) },
  mae: { views: singleView, momentum: () => null },
};

/** The recipe of the method that a run file names. */
export const recipeOf = (config: MethodConfig): Recipe<MethodConfig> => recipes[config.name];
