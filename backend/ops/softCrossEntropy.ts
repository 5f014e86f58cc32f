/** Cross entropy of logits with soft targets, as self-distillation compares two branches: only logits and targets are kept for its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from './op.ts';

interface Scale {
  /** One over the temperature. */
  scale: number;
}

/** As a vector of one, which makes fp32 of whatever precision the logits have; a scalar would not. */
const factor = (scale: number): tf.Tensor => tf.tensor1d([scale]);

const gradient = defineOp<Scale>({
  name: 'SoftCrossEntropyGradient',
  composition: ({ logits, targets, dy }, { scale }) => {
    const difference = tf.sub(tf.mul(tf.softmax(tf.mul(logits!, factor(scale))), tf.sum(targets!, -1, true)), targets!);
    return tf.mul(difference, tf.mul(tf.expandDims(dy!, -1), scale));
  },
});

const run = defineOp<Scale>({
  name: 'SoftCrossEntropy',
  composition: ({ logits, targets }, { scale }) => {
    const scaled = tf.mul(logits!, factor(scale));
    const shifted = tf.sub(scaled, tf.max(scaled, -1, true));
    return tf.sub(tf.mul(tf.log(tf.sum(tf.exp(shifted), -1)), tf.sum(targets!, -1)), tf.sum(tf.mul(shifted, targets!), -1));
  },
  saves: { inputs: ['logits', 'targets'] },
  gradient: (dy, [logits, targets], attrs) => ({ logits: () => one(gradient({ logits: logits!, targets: targets!, dy: dy as tf.Tensor }, attrs)) }),
});

/** logits [..., K], targets [..., K], which may broadcast over the first axis and get no gradient: -sum(targets log softmax(logits / temperature)), [...]. */
export const softCrossEntropy = (logits: tf.Tensor, targets: tf.Tensor, temperature: number): tf.Tensor => one(run({ logits, targets }, { scale: 1 / temperature }));
