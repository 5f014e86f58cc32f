/** The optimizer that a run file names. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import { AdamW } from './adamw.ts';
import { Lars } from './lars.ts';
import type { Optimizer } from './optimizer.ts';
import type { OptimizerConfig } from './schema.ts';
import { Sgd } from './sgd.ts';

const optimizers = { adamw: AdamW, sgd: Sgd, lars: Lars };

export const createOptimizer = (parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig): Optimizer => new optimizers[config.name](parameters, config);
