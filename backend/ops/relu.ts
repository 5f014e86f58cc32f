/** max(x, 0), which keeps its output for the gradient: what follows it keeps that too, so the input need not be held. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from './op.ts';

const gradient = defineOp({
  name: 'RectifierGradient',
  composition: ({ y, dy }) => tf.mul(dy!, tf.step(y!)),
});

const run = defineOp({
  name: 'Rectifier',
  composition: ({ x }) => tf.relu(x!),
  saves: { outputs: [true] },
  gradient: (dy, [y]) => ({ x: () => one(gradient({ y: y!, dy: dy as tf.Tensor }, {})) }),
});

/** Elementwise, any shape; the gradient at 0 is 0. */
export const relu = (x: tf.Tensor): tf.Tensor => one(run({ x }, {}));
