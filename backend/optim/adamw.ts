/** AdamW (Loshchilov and Hutter, 2019) with the two groups of the self-supervised recipes: weights decay, biases and norms do not. */
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';
import type { OptimizerConfig } from './schema.ts';
import { parameterUpdates } from '../ops/updates.ts';

/** Biases, norms and one-dimensional parameters are exempt from weight decay. */
export const decays = ({ name, shape }: ParameterSpec): boolean => shape.length > 1 && !name.endsWith('.bias');

interface Slot {
  spec: ParameterSpec;
  variable: tf.Variable;
  first: tf.Variable;
  second: tf.Variable;
}

export class AdamW {
  /** Steps taken. */
  steps = 0;
  private readonly config: OptimizerConfig;
  readonly slots: readonly Slot[];

  constructor(parameters: { spec: ParameterSpec; variable: tf.Variable }[], config: OptimizerConfig) {
    this.config = config;
    const zero = (like: tf.Variable): tf.Variable => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
    this.slots = parameters.map(({ spec, variable }) => ({ spec, variable, first: zero(variable), second: zero(variable) }));
  }

  /**
   * Takes a step with the gradients in the parameters' order (null: untouched) scaled by `gradientScale`.
   * A parameter without a gradient is left alone, as in PyTorch: no decay, no moments.
   */
  step(gradients: (tf.Tensor | null)[], rates: { learningRate: number; weightDecay: number }, gradientScale: number): void {
    this.steps++;
    const [beta1, beta2] = this.config.betas;
    for (const decayed of [true, false]) {
      const chosen = this.slots.map((slot, i) => ({ slot, gradient: gradients[i] ?? null })).filter(({ slot, gradient }) => gradient && decays(slot.spec) === decayed);
      parameterUpdates().adamw(
        {
          parameters: chosen.map(({ slot }) => slot.variable),
          gradients: chosen.map(({ gradient }) => gradient!),
          firstMoments: chosen.map(({ slot }) => slot.first),
          secondMoments: chosen.map(({ slot }) => slot.second),
        },
        this.steps,
        { learningRate: rates.learningRate, beta1, beta2, eps: this.config.eps, weightDecay: decayed ? rates.weightDecay : 0, gradientScale },
      );
    }
  }

  dispose(): void {
    for (const { first, second } of this.slots) tf.dispose([first, second]);
  }
}
