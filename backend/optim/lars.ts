/** LARS (You et al., 2017) as MoCo-v3's and MAE's code have it: momentum on gradients that are scaled to each weight's norm. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import { decays, type Optimizer, type Slot } from './optimizer.ts';
import type { OptimizerConfig } from './schema.ts';

interface LarsSlot extends Slot {
  state: { momentum_buffer: tf.Variable };
}

/** The first step changes a weight by this share of its norm, times the learning rate. */
const trustCoefficient = 0.001;

export class Lars implements Optimizer {
  steps = 0;
  private readonly config: OptimizerConfig;
  readonly slots: readonly LarsSlot[];

  constructor(parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig) {
    this.config = config;
    this.slots = parameters.map(({ spec, variable }) => ({ spec, variable, state: { momentum_buffer: tf.tidy(() => tf.variable(tf.zerosLike(variable), false)) }, steps: 0 }));
  }

  step(gradients: (tf.Tensor | null)[], rates: { learningRate: number; weightDecay: number }, scales: readonly number[]): void {
    this.steps++;
    this.slots.forEach((slot, i) => {
      const gradient = gradients[i];
      if (!gradient) return;
      slot.steps++;
      const { spec, variable, state } = slot;
      tf.tidy(() => {
        const scaled = scales[i] === 1 ? gradient : tf.mul(gradient, scales[i]!);
        const change = decays(spec) ? trusted(tf.add(scaled, tf.mul(variable, rates.weightDecay)), variable) : scaled;
        state.momentum_buffer.assign(tf.add(tf.mul(state.momentum_buffer, this.config.momentum), change));
        variable.assign(tf.sub(variable, tf.mul(state.momentum_buffer, rates.learningRate * (spec.learningRateScale ?? 1))));
      });
    });
  }

  dispose(): void {
    for (const { state } of this.slots) tf.dispose(state);
  }
}

/** The change at the norm that the weight's allows; as it is where either norm is zero. */
function trusted(change: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const [norm, length] = [tf.norm(weight), tf.norm(change)];
  const both = tf.logicalAnd(tf.greater(norm, 0), tf.greater(length, 0));
  return tf.mul(change, tf.where(both, tf.div(tf.mul(norm, trustCoefficient), tf.maximum(length, 1e-30)), tf.onesLike(norm)));
}
