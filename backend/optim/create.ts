/** The optimizer that a run file names. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import { AdamW } from './adamw.ts';
import type { Optimizer } from './optimizer.ts';
import type { OptimizerConfig } from './schema.ts';
import { Sgd } from './sgd.ts';

export const createOptimizer = (parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig): Optimizer => (config.name === 'sgd' ? new Sgd(parameters, config) : new AdamW(parameters, config));
