/** Cross entropy of logits with soft targets, as self-distillation compares two branches: log-probabilities and targets are kept for its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many, one } from './op.ts';

interface Scale {
  /** One over the temperature. */
  scale: number;
}

/** As a vector of one, which makes fp32 of whatever precision the logits have; a scalar would not. */
const factor = (scale: number): tf.Tensor => tf.tensor1d([scale]);

const gradient = defineOp<Scale>({
  name: 'SoftCrossEntropyGradient',
  composition: ({ logProbabilities, targets, dy }, { scale }) => {
    const difference = tf.sub(tf.mul(tf.exp(logProbabilities!), tf.sum(targets!, -1, true)), targets!);
    return tf.mul(difference, tf.mul(tf.expandDims(dy!, -1), scale));
  },
});

const run = defineOp<Scale>({
  name: 'SoftCrossEntropy',
  composition: ({ logits, targets }, { scale }) => {
    const scaled = tf.mul(logits!, factor(scale));
    const shifted = tf.sub(scaled, tf.max(scaled, -1, true));
    const logProbabilities = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), -1, true)));
    return [tf.neg(tf.sum(tf.mul(logProbabilities, targets!), -1)), logProbabilities];
  },
  saves: { inputs: ['targets'], outputs: [false, true] },
  gradient: (dys, [targets, logProbabilities], attrs) => ({ logits: () => one(gradient({ logProbabilities: logProbabilities!, targets: targets!, dy: (dys as tf.Tensor[])[0]! }, attrs)) }),
});

/** logits [..., K], targets [..., K], which may broadcast over the first axis and get no gradient: -sum(targets log softmax(logits / temperature)), [...]. */
export const softCrossEntropy = (logits: tf.Tensor, targets: tf.Tensor, temperature: number): tf.Tensor => many(run({ logits, targets }, { scale: 1 / temperature }))[0]!;
