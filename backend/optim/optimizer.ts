/** What an optimizer is to a learner: slots with a state for each trained parameter, and a step. */
import type * as tf from '@tensorflow/tfjs-core';
import type { ParameterSpec } from '../nn/parameters.ts';

/** Biases, norms and one-dimensional parameters are exempt from weight decay, unless a method says otherwise. */
export const decays = ({ name, shape, decay }: ParameterSpec): boolean => decay ?? (shape.length > 1 && !name.endsWith('.bias'));

export interface Slot {
  spec: ParameterSpec;
  variable: tf.Variable;
  /** Tensors of the parameter's shape, by the names that a checkpoint has them under. */
  state: Record<string, tf.Variable>;
  /** Steps that this parameter has taken: fewer than the optimizer's where it had no gradient. */
  steps: number;
}

export interface Optimizer {
  /** Steps taken. */
  steps: number;
  /** In the parameters' order. */
  readonly slots: readonly Slot[];
  /**
   * Takes a step with the gradients in the parameters' order (null: untouched), each scaled by its number of `scales`.
   * A parameter without a gradient is left alone, as in PyTorch: no decay, no state, no step of its own.
   */
  step(gradients: (tf.Tensor | null)[], rates: { learningRate: number; weightDecay: number }, scales: readonly number[]): void;
  dispose(): void;
}
