/** The gradients of convolution and max pooling for TensorFlow.js's WebAssembly engine, which lacks the first and has the second wrong, from its other kernels. */
import * as tf from '@tensorflow/tfjs-core';

interface Windows {
  strides: number;
  pad: 'valid';
}

/** What pixel `at` of every window sees, [B, rows, columns, C]. */
function seenBy(x: tf.Tensor, at: [number, number], [rows, columns]: [number, number], stride: number): tf.Tensor {
  const [batch, , , channels] = x.shape as [number, number, number, number];
  const [top, left] = at;
  return tf.stridedSlice(x, [0, top, left, 0], [batch, top + (rows - 1) * stride + 1, left + (columns - 1) * stride + 1, channels], [1, stride, stride, 1]);
}

const pixelsOf = (height: number, width: number): [number, number][] => Array.from({ length: height * width }, (_, at) => [Math.floor(at / width), at % width]);

/** A filter's gradient is, for each of its pixels, a product of what that pixel saw with all outputs' gradients. */
function filterGradient(x: tf.Tensor, dy: tf.Tensor, { strides, filterShape }: Windows & { filterShape: [number, number, number, number] }): tf.Tensor {
  const [height, width, inputs, outputs] = filterShape;
  const gradients: tf.Tensor2D = tf.reshape(dy, [-1, outputs]);
  const pixels = pixelsOf(height, width).map((at) => {
    const seen: tf.Tensor2D = tf.reshape(seenBy(x, at, [dy.shape[1]!, dy.shape[2]!], strides), [-1, inputs]);
    return tf.matMul(seen, gradients, true, false);
  });
  return tf.reshape(tf.concat(pixels, 0), filterShape);
}

/** Each window's gradient is added where its first greatest value lies. The engine's own finds none among negative values. */
function poolGradient(x: tf.Tensor, dy: tf.Tensor, { filterSize, strides }: Windows & { filterSize: number }): tf.Tensor {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const [batch, rows, columns] = dy.shape as [number, number, number, number];
  const pixels = pixelsOf(filterSize, filterSize);
  const first = tf.argMax(tf.stack(pixels.map((at) => seenBy(x, at, [rows, columns], strides))), 0);
  const within = tf.gather(tf.tensor1d(pixels.map(([top, left]) => (top * width + left) * channels), 'int32'), first);
  const corner = Int32Array.from({ length: dy.size }, (_, i) => {
    const [c, column, row, image] = [i % channels, Math.floor(i / channels) % columns, Math.floor(i / channels / columns) % rows, Math.floor(i / channels / columns / rows)];
    return ((image * height + row * strides) * width + column * strides) * channels + c;
  });
  const places = tf.add(within, tf.tensor(corner, [batch, rows, columns, channels], 'int32'));
  return tf.reshape(tf.scatterND(tf.reshape(places, [-1, 1]), tf.reshape(dy, [-1]), [x.size]), x.shape);
}

/** Registers them under TensorFlow.js's own names, for windows that lie within the image. */
export function registerWasmKernels(): void {
  const register = (kernelName: string, kernelFunc: (inputs: Record<string, tf.Tensor>, attrs: unknown) => tf.Tensor): void => {
    if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: ({ inputs, attrs }) => tf.tidy(() => kernelFunc(inputs as Record<string, tf.Tensor>, attrs)) });
  };
  register('Conv2DBackpropFilter', ({ x, dy }, attrs) => filterGradient(x!, dy!, attrs as Parameters<typeof filterGradient>[2]));
  register('MaxPoolGrad', ({ input, dy }, attrs) => poolGradient(input!, dy!, attrs as Parameters<typeof poolGradient>[2]));
}
