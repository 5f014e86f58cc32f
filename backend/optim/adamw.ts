/** AdamW (Loshchilov and Hutter, 2019) with the two groups of the self-supervised recipes: weights decay, biases and norms do not. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import { decays, type Optimizer, type Slot } from './optimizer.ts';
import type { OptimizerConfig } from './schema.ts';
import { parameterUpdates } from '../ops/updates.ts';

interface AdamWSlot extends Slot {
  state: { exp_avg: tf.Variable; exp_avg_sq: tf.Variable };
}

export class AdamW implements Optimizer {
  /** Steps taken. */
  steps = 0;
  private readonly config: OptimizerConfig;
  readonly slots: readonly AdamWSlot[];

  constructor(parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig) {
    this.config = config;
    const zero = (like: tf.Variable): tf.Variable => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
    this.slots = parameters.map(({ spec, variable }) => ({ spec, variable, state: { exp_avg: zero(variable), exp_avg_sq: zero(variable) }, steps: 0 }));
  }

  step(gradients: (tf.Tensor | null)[], rates: { learningRate: number; weightDecay: number }, scales: readonly number[]): void {
    this.steps++;
    const groups = new Map<string, { slots: AdamWSlot[]; gradients: tf.Tensor[]; scale: number }>();
    this.slots.forEach((slot, i) => {
      const gradient = gradients[i];
      if (!gradient) return;
      slot.steps++;
      const scale = scales[i]!;
      const key = [decays(slot.spec), slot.spec.learningRateScale ?? 1, slot.steps, scale].join();
      const group = groups.get(key) ?? { slots: [], gradients: [], scale };
      groups.set(key, group);
      group.slots.push(slot);
      group.gradients.push(gradient);
    });
    const [beta1, beta2] = this.config.betas;
    for (const { slots, gradients: own, scale } of groups.values()) {
      const { spec, steps } = slots[0]!;
      parameterUpdates().adamw(
        { parameters: slots.map(({ variable }) => variable), gradients: own, firstMoments: slots.map(({ state }) => state.exp_avg), secondMoments: slots.map(({ state }) => state.exp_avg_sq) },
        steps,
        { learningRate: rates.learningRate * (spec.learningRateScale ?? 1), beta1, beta2, eps: this.config.eps, weightDecay: decays(spec) ? rates.weightDecay : 0, gradientScale: scale },
      );
    }
  }

  dispose(): void {
    for (const { state } of this.slots) tf.dispose(state);
  }
}
