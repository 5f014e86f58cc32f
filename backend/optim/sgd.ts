/** Stochastic gradient descent with momentum, weight decay added to the gradient, as torch.optim.SGD has it. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import { decays, type Optimizer, type Slot } from './optimizer.ts';
import type { OptimizerConfig } from './schema.ts';

interface SgdSlot extends Slot {
  state: { momentum_buffer: tf.Variable };
}

export class Sgd implements Optimizer {
  steps = 0;
  private readonly config: OptimizerConfig;
  readonly slots: readonly SgdSlot[];

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
        const whole = decays(spec) && rates.weightDecay > 0 ? tf.add(scaled, tf.mul(variable, rates.weightDecay)) : scaled;
        state.momentum_buffer.assign(tf.add(tf.mul(state.momentum_buffer, this.config.momentum), whole));
        variable.assign(tf.sub(variable, tf.mul(state.momentum_buffer, rates.learningRate * (spec.learningRateScale ?? 1))));
      });
    });
  }

  dispose(): void {
    for (const { state } of this.slots) tf.dispose(state);
  }
}
