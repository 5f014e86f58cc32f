/** The transpose of a 2-d convolution, by which a decoder makes images larger; its weights are [in, out, height, width], as PyTorch's checkpoints store them. */
import * as tf from '@tensorflow/tfjs-core';
import { convolution, inputGradient, weightGradient, type ConvolutionGeometry } from './convolution.ts';
import { biasGradient } from './linear.ts';
import { defineOp, one } from './op.ts';

type Shape4 = [number, number, number, number];

const run = defineOp<ConvolutionGeometry>({
  name: 'TransposedConvolution',
  composition: ({ x, w, b }, geometry) => {
    const [batch, height, width] = x!.shape as Shape4, [, outputs, rows, columns] = w!.shape as Shape4;
    const side = (length: number, window: number): number => (length - 1) * geometry.stride - 2 * geometry.padding + window;
    const y = one(inputGradient({ dy: x!, w: w! }, { ...geometry, shape: [batch, side(height, rows), side(width, columns), outputs] }));
    return b ? tf.add(y, b) : y;
  },
  saves: { inputs: ['x', 'w'] },
  // What a convolution does to its input's gradient, read the other way round.
  gradient: (dy, [x, w], geometry) => ({
    x: () => convolution(dy as tf.Tensor, w!, null, geometry),
    w: () => one(weightGradient({ dy: x!, x: dy as tf.Tensor }, { ...geometry, shape: w!.shape as Shape4 })),
    b: () => biasGradient(dy as tf.Tensor),
  }),
});

/** x [B, H, W, in], w [in, out, h, w], b [out] or null -> [B, H', W', out] with H' = (H - 1) stride - 2 padding + h, W' likewise. */
export function transposedConvolution(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | null = null, { stride = 1, padding = 0 }: Partial<ConvolutionGeometry> = {}): tf.Tensor {
  return one(run({ x, w, ...(b ? { b } : {}) }, { stride, padding }));
}
