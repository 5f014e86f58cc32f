/** Affine maps: y = x W^T + b with W [out, in], as checkpoints store it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from './op.ts';

const rows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1)!]);

/** The same values as products take them on this engine: what several products share is brought to their precision once. */
const operand = defineOp({ name: 'ProductOperand', composition: ({ x }) => tf.clone(x!) });

const inputGradient = defineOp({
  name: 'LinearInputGradient',
  composition: ({ dy, w }) => tf.reshape(tf.matMul(rows(dy!), w as tf.Tensor2D), [...dy!.shape.slice(0, -1), w!.shape[1]!]),
});

const weightGradient = defineOp({
  name: 'LinearWeightGradient',
  composition: ({ dy, x }) => tf.matMul(rows(dy!), rows(x!), true, false),
});

const sumOfRows = defineOp({
  name: 'LinearBiasGradient',
  composition: ({ dy }) => tf.sum(rows(dy!), 0),
});

/** dy [..., out] -> [out]. */
export const biasGradient = (dy: tf.Tensor): tf.Tensor => one(sumOfRows({ dy }, {}));

const run = defineOp({
  name: 'Linear',
  composition: ({ x, w, b }) => {
    const y = tf.reshape(tf.matMul(rows(x!), w as tf.Tensor2D, false, true), [...x!.shape.slice(0, -1), w!.shape[0]]);
    return b ? tf.add(y, b) : y;
  },
  saves: { inputs: ['x', 'w'] },
  gradient: (whole, [x, w]) => {
    const dy = one(operand({ x: whole as tf.Tensor }, {}));
    return {
      x: () => one(inputGradient({ dy, w: w! }, {})),
      w: () => one(weightGradient({ dy, x: x! }, {})),
      b: () => biasGradient(dy),
    };
  },
});

/** x [..., in], w [out, in], b [out] or null -> [..., out]. */
export const linear = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor | null = null): tf.Tensor => one(run({ x, w, ...(b ? { b } : {}) }, {}));
