/**
 * The contrastive loss of queries against a queue of keys (He et al., CVPR 2020), with its gradient computed on the way: the logits of all
 * queries by all keys, gigabytes for dense features, are never held at once where an engine works through them in parts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many } from './op.ts';

interface Scale {
  /** One over the temperature. */
  scale: number;
}

const run = defineOp<Scale>({
  name: 'QueueContrast',
  composition: ({ queries, positive, queue }, { scale }) => {
    const negatives = tf.matMul(queries as tf.Tensor2D, queue as tf.Tensor2D);
    const logits = tf.mul(tf.concat([tf.expandDims(positive!, 1), negatives], 1), scale);
    const logProbabilities = tf.logSoftmax(logits);
    const [own, others] = tf.split(logProbabilities, [1, queue!.shape[1]!], 1);
    const loss = tf.reshape(tf.neg(own!), [-1]);
    const dqueries = tf.mul(tf.matMul(tf.exp(others!), queue as tf.Tensor2D, false, true), scale);
    return [loss, dqueries, tf.reshape(tf.mul(tf.sub(tf.exp(own!), 1), scale), [-1])];
  },
  saves: { outputs: [false, true, true] },
  gradient: (dys, [dqueries, dpositive]) => {
    const dy = (dys as tf.Tensor[])[0]!;
    return { queries: () => tf.mul(dqueries!, tf.expandDims(dy, 1)), positive: () => tf.mul(dpositive!, dy) };
  },
});

/** queries [R, D], positive [R] (each one's product with its own key), queue [D, K] without a gradient -> -log softmax([positive, queries queue] / temperature)[0], [R]. */
export const queueContrast = (queries: tf.Tensor, positive: tf.Tensor, queue: tf.Tensor, temperature: number): tf.Tensor => many(run({ queries, positive, queue }, { scale: 1 / temperature }))[0]!;
