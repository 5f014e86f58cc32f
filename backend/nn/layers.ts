/** Linear layers and norms on a scope of parameters, each with the parameters it declares. */
import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../ops/batchNorm.ts';
import { parameterUpdates } from '../ops/updates.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import { linear } from '../ops/linear.ts';
import type { ParameterSpec, Scope } from './parameters.ts';

export function linearSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], initializer: { kind: 'xavier' }, trainable: true },
    { name: `${name}.bias`, shape: [outputs], initializer: { kind: 'zeros' }, trainable: true },
  ];
}

/** x [..., in] -> [..., out]. */
export const linearLayer = (scope: Scope, x: tf.Tensor): tf.Tensor => linear(x, scope.get('weight'), scope.has('bias') ? scope.get('bias') : null);

/** A layer norm, or a batch norm over all tokens of the batch as SiameseIM's projector and predictor have it. */
export interface NormKind {
  kind: 'layer' | 'batch';
  eps: number;
}

const runningMomentum = 0.1; // PyTorch's

export function normSpecs(name: string, width: number, { kind }: NormKind): ParameterSpec[] {
  const affine = (prefix: string): ParameterSpec[] => [
    { name: `${prefix}.weight`, shape: [width], initializer: { kind: 'constant', value: 1 }, trainable: true },
    { name: `${prefix}.bias`, shape: [width], initializer: { kind: 'zeros' }, trainable: true },
  ];
  if (kind === 'layer') return affine(name);
  return [
    ...affine(`${name}.bn`),
    { name: `${name}.bn.running_mean`, shape: [width], initializer: { kind: 'zeros' }, trainable: false },
    { name: `${name}.bn.running_var`, shape: [width], initializer: { kind: 'constant', value: 1 }, trainable: false },
    { name: `${name}.bn.num_batches_tracked`, shape: [], initializer: { kind: 'zeros' }, trainable: false },
  ];
}

/** x [B, T, D] -> the same shape. In training a batch norm uses the batch's statistics, and its buffers follow them (RunningStatistics). */
export function norm(scope: Scope, x: tf.Tensor, { kind, eps }: NormKind, training: boolean): tf.Tensor {
  if (kind === 'layer') return layerNorm(x, scope.get('weight'), scope.get('bias'), eps);
  const bn = scope.at('bn');
  const [scale, offset, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((n) => bn.get(n)) as [tf.Variable, tf.Variable, tf.Variable, tf.Variable];
  if (!training) return tf.add(tf.mul(tf.sub(x, mean), tf.mul(tf.rsqrt(tf.add(variance, eps)), scale)), offset);
  const result = batchNorm(x, scale, offset, eps);
  const { statistics } = scope.parameters;
  if (statistics)
    withoutGradient(() => {
      const n = x.size / x.shape.at(-1)!;
      const seen = [tf.clone(result.mean), tf.tidy(() => tf.mul(tf.sub(tf.pow(result.rstd, -2), eps), n / Math.max(1, n - 1)))];
      const count = bn.get('num_batches_tracked');
      statistics.later(() => {
        parameterUpdates().lerp([mean, variance], seen, runningMomentum);
        parameterUpdates().lerp([count], [tf.add(count, 1)], 1);
      }, seen);
    });
  return result.y;
}
