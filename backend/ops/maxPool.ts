/** Max pooling of images whose last axis is the channels, as torch.nn.MaxPool2d has it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many, one } from './op.ts';

export interface PoolGeometry {
  /** Side of the square window. */
  size: number;
  stride: number;
  /** Rows and columns at each side that are never the greatest. */
  padding: number;
}

type Shape4 = [number, number, number, number];

const padded = (x: tf.Tensor, padding: number): tf.Tensor4D => (padding === 0 ? x : tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]], -Infinity)) as tf.Tensor4D;

const gradient = defineOp<PoolGeometry>({
  name: 'MaxPool2dGradient',
  composition: ({ dy, x, chosen }, { size, stride, padding }) => {
    const [batch, height, width, channels] = x!.shape as Shape4;
    const dx = tf.engine().runKernel<tf.Tensor>('MaxPoolGrad', { dy: dy!, input: padded(x!, padding), output: chosen! }, { filterSize: size, strides: stride, pad: 'valid' });
    return padding === 0 ? dx : tf.slice(dx, [0, padding, padding, 0], [batch, height, width, channels]);
  },
});

const run = defineOp<PoolGeometry>({
  name: 'MaxPool2d',
  composition: ({ x }, { size, stride, padding }) => {
    const y = tf.maxPool(padded(x!, padding), size, stride, 'valid');
    return [y, tf.clone(y)];
  },
  saves: { inputs: ['x'], outputs: [false, true] },
  gradient: (dys, [x, chosen], geometry) => ({ x: () => one(gradient({ dy: (dys as tf.Tensor[])[0]!, x: x!, chosen: chosen! }, geometry)) }),
});

/**
 * x [B, H, W, C] -> [B, H', W', C] with H' = floor((H + 2 padding - size) / stride) + 1, W' likewise. The gradient goes to one
 * greatest value of each window.
 */
export const maxPool = (x: tf.Tensor, geometry: PoolGeometry): tf.Tensor => many(run({ x }, geometry))[0]!;
