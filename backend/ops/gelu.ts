/** Exact GELU: x Phi(x) (Hendrycks and Gimpel, 2016), as the reference code uses it, not the tanh approximation. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from './op.ts';

const phi = (x: tf.Tensor): tf.Tensor => tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));

const gradient = defineOp({
  name: 'GeluGradient',
  composition: ({ x, dy }) => {
    const density = tf.mul(1 / Math.sqrt(2 * Math.PI), tf.exp(tf.mul(-0.5, tf.square(x!))));
    return tf.mul(dy!, tf.add(phi(x!), tf.mul(x!, density)));
  },
});

const run = defineOp({
  name: 'Gelu',
  composition: ({ x }) => tf.mul(x!, phi(x!)),
  saves: { inputs: ['x'] },
  gradient: (dy, [x]) => ({ x: () => one(gradient({ x: x!, dy: dy as tf.Tensor }, {})) }),
});

/** Elementwise, any shape. */
export const gelu = (x: tf.Tensor): tf.Tensor => one(run({ x }, {}));
