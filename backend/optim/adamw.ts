/** AdamW (Loshchilov and Hutter, 2019) with the two groups of the self-supervised recipes: weights decay, biases and norms do not. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { OptimizerConfig } from './schema.ts';
import { parameterUpdates } from '../ops/updates.ts';

/** Biases, norms and one-dimensional parameters are exempt from weight decay. */
export const decays = ({ name, shape, decay }: ParameterSpec): boolean => decay ?? (shape.length > 1 && !name.endsWith('.bias'));

interface Slot {
  spec: ParameterSpec;
  variable: tf.Variable;
  first: tf.Variable;
  second: tf.Variable;
  /** Steps that this parameter has taken: fewer than the optimizer's where it had no gradient. */
  steps: number;
}

export class AdamW {
  /** Steps taken. */
  steps = 0;
  private readonly config: OptimizerConfig;
  readonly slots: readonly Slot[];

  constructor(parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig) {
    this.config = config;
    const zero = (like: tf.Variable): tf.Variable => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
    this.slots = parameters.map(({ spec, variable }) => ({ spec, variable, first: zero(variable), second: zero(variable), steps: 0 }));
  }

  /**
   * Takes a step with the gradients in the parameters' order (null: untouched), each scaled by its number of `scales`.
   * A parameter without a gradient is left alone, as in PyTorch: no decay, no moments, no step of its own.
   */
  step(gradients: (tf.Tensor | null)[], rates: { learningRate: number; weightDecay: number }, scales: readonly number[]): void {
    this.steps++;
    const groups = new Map<string, { slots: Slot[]; gradients: tf.Tensor[]; scale: number }>();
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
        { parameters: slots.map(({ variable }) => variable), gradients: own, firstMoments: slots.map(({ first }) => first), secondMoments: slots.map(({ second }) => second) },
        steps,
        { learningRate: rates.learningRate * (spec.learningRateScale ?? 1), beta1, beta2, eps: this.config.eps, weightDecay: decays(spec) ? rates.weightDecay : 0, gradientScale: scale },
      );
    }
  }

  dispose(): void {
    for (const { first, second } of this.slots) tf.dispose([first, second]);
  }
}
