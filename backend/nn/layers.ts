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
  return kind === 'layer' ? affineSpecs(name, width) : batchNormSpecs(`${name}.bn`, width, true);
}

const affineSpecs = (name: string, width: number): ParameterSpec[] => [
  { name: `${name}.weight`, shape: [width], initializer: { kind: 'constant', value: 1 }, trainable: true },
  { name: `${name}.bias`, shape: [width], initializer: { kind: 'zeros' }, trainable: true },
];

/** A batch norm's own parameters and buffers; `affine`: with a learned scale and offset. */
export function batchNormSpecs(name: string, width: number, affine: boolean): ParameterSpec[] {
  return [
    ...(affine ? affineSpecs(name, width) : []),
    { name: `${name}.running_mean`, shape: [width], initializer: { kind: 'zeros' }, trainable: false },
    { name: `${name}.running_var`, shape: [width], initializer: { kind: 'constant', value: 1 }, trainable: false },
    { name: `${name}.num_batches_tracked`, shape: [], initializer: { kind: 'zeros' }, trainable: false },
  ];
}

/** x [B, T, D] -> the same shape. In training a batch norm uses the batch's statistics, and its buffers follow them (RunningStatistics). */
export function norm(scope: Scope, x: tf.Tensor, { kind, eps }: NormKind, training: boolean): tf.Tensor {
  return kind === 'layer' ? layerNorm(x, scope.get('weight'), scope.get('bias'), eps) : batchNormLayer(scope.at('bn'), x, eps, training);
}

/** As `norm` of the kind batch, on the batch norm's own scope; one without affine parameters only normalises. */
export function batchNormLayer(bn: Scope, x: tf.Tensor, eps: number, training: boolean): tf.Tensor {
  const [mean, variance] = [bn.get('running_mean'), bn.get('running_var')];
  const scale = bn.has('weight') ? bn.get('weight') : tf.ones(mean.shape), offset = bn.has('bias') ? bn.get('bias') : tf.zeros(mean.shape);
  if (!training) return tf.add(tf.mul(tf.sub(x, mean), tf.mul(tf.rsqrt(tf.add(variance, eps)), scale)), offset);
  const result = batchNorm(x, scale, offset, eps);
  const { statistics } = bn.parameters;
  if (statistics)
    withoutGradient(() => {
      const n = x.size / x.shape.at(-1)!;
      const seenVariance = tf.mul(tf.sub(tf.pow(result.rstd, -2), eps), n / Math.max(1, n - 1));
      const count = bn.get('num_batches_tracked');
      statistics.later([result.mean, seenVariance], (...seen) => {
        parameterUpdates().lerp([mean, variance], seen, runningMomentum);
        parameterUpdates().lerp([count], [tf.add(count, 1)], 1);
      });
    });
  return result.y;
}
