/** 2-d convolutions on images whose last axis is the channels, with weights [out, in, height, width] as PyTorch's checkpoints store them. */
import * as tf from '@tensorflow/tfjs-core';
import { biasGradient } from './linear.ts';
import { defineOp, one } from './op.ts';

export interface ConvolutionGeometry {
  stride: number;
  /** Rows and columns of zeros at each side. */
  padding: number;
}

type Shape4 = [number, number, number, number];

/** TensorFlow's order of a filter's axes. */
const filter = (w: tf.Tensor): tf.Tensor4D => tf.transpose<tf.Tensor4D>(w as tf.Tensor4D, [2, 3, 1, 0]);
// Padded beforehand: not every engine's convolution pads by a given number.
const padded = (x: tf.Tensor, padding: number): tf.Tensor4D => (padding === 0 ? x : tf.pad(x, [[0, 0], [padding, padding], [padding, padding], [0, 0]])) as tf.Tensor4D;
const kernel = (name: string, inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown>): tf.Tensor =>
  tf.engine().runKernel(name, inputs, { pad: 'valid', dataFormat: 'NHWC', ...attrs });

/** dy [B, H', W', out], w [out, in, h, w] -> the gradient of x, of the given shape [B, H, W, in]. */
export const inputGradient = defineOp<ConvolutionGeometry & { shape: Shape4 }>({
  name: 'ConvolutionInputGradient',
  composition: ({ dy, w }, { stride, padding, shape: [batch, height, width, channels] }) => {
    const dx = kernel('Conv2DBackpropInput', { dy: dy!, filter: filter(w!) }, { strides: stride, inputShape: [batch, height + 2 * padding, width + 2 * padding, channels] });
    return padding === 0 ? dx : tf.slice(dx, [0, padding, padding, 0], [batch, height, width, channels]);
  },
});

/** dy [B, H', W', out], x [B, H, W, in] -> the gradient of w, of the given shape [out, in, h, w]. */
export const weightGradient = defineOp<ConvolutionGeometry & { shape: Shape4 }>({
  name: 'ConvolutionWeightGradient',
  composition: ({ dy, x }, { stride, padding, shape: [outputs, inputs, height, width] }) =>
    tf.transpose(kernel('Conv2DBackpropFilter', { x: padded(x!, padding), dy: dy! }, { strides: stride, filterShape: [height, width, inputs, outputs] }), [3, 2, 0, 1]),
});

const run = defineOp<ConvolutionGeometry>({
  name: 'Convolution',
  composition: ({ x, w, b }, { stride, padding }) => {
    const y = tf.conv2d(padded(x!, padding), filter(w!), stride, 'valid');
    return b ? tf.add(y, b) : y;
  },
  saves: { inputs: ['x', 'w'] },
  gradient: (dy, [x, w], geometry) => ({
    x: () => one(inputGradient({ dy: dy as tf.Tensor, w: w! }, { ...geometry, shape: x!.shape as Shape4 })),
    w: () => one(weightGradient({ dy: dy as tf.Tensor, x: x! }, { ...geometry, shape: w!.shape as Shape4 })),
    b: () => biasGradient(dy as tf.Tensor),
  }),
});

/** x [B, H, W, in], w [out, in, h, w], b [out] or null -> [B, H', W', out] with H' = floor((H + 2 padding - h) / stride) + 1, W' likewise. */
export function convolution(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | null = null, { stride = 1, padding = 0 }: Partial<ConvolutionGeometry> = {}): tf.Tensor {
  return one(run({ x, w, ...(b ? { b } : {}) }, { stride, padding }));
}
