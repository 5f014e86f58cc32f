/** Picks tokens of each image by its own list, and puts them back: how masked methods drop patches and return to the full grid. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one, type Tensors } from './op.ts';

/** Positions [B, K] of tokens in [B, N, D] as rows of [B N, D]. */
function flatRows(index: tf.Tensor, tokens: number): tf.Tensor1D {
  const batch = index.shape[0];
  const offsets = tf.reshape(tf.range(0, batch * tokens, tokens, 'int32'), [batch, 1]);
  return tf.reshape(tf.add(index, offsets), [-1]);
}

const scatter: (inputs: Tensors, attrs: { tokens: number }) => tf.Tensor | tf.Tensor[] = defineOp<{ tokens: number }>({
  name: 'ScatterTokens',
  composition: ({ x, index }, { tokens }) => {
    const [batch, , width] = x!.shape as [number, number, number];
    const rows = tf.reshape(x!, [-1, width]);
    // A product with a one-hot matrix: exact, and every engine has it.
    const place = tf.cast(tf.oneHot(flatRows(index!, tokens), batch * tokens), 'float32'); // wasm writes one-hots as integers whatever it is asked for
    return tf.reshape(tf.matMul(place as tf.Tensor2D, rows as tf.Tensor2D, true, false), [batch, tokens, width]);
  },
  saves: { inputs: ['index'] },
  gradient: (dy, [index]) => ({ x: () => one(gather({ x: dy as tf.Tensor, index: index! }, {})) }),
});

const gather: (inputs: Tensors, attrs: object) => tf.Tensor | tf.Tensor[] = defineOp({
  name: 'GatherTokens',
  composition: ({ x, index }) => {
    const [batch, tokens, width] = x!.shape as [number, number, number];
    return tf.reshape(tf.gather(tf.reshape(x!, [-1, width]), flatRows(index!, tokens)), [batch, index!.shape[1]!, width]);
  },
  saves: { inputs: ['x', 'index'] },
  gradient: (dy, [x, index]) => ({ x: () => one(scatter({ x: dy as tf.Tensor, index: index! }, { tokens: x!.shape[1]! })) }),
});

/** x [B, N, D], index [B, K] int32, each image's positions distinct -> [B, K, D]. */
export const gatherTokens = (x: tf.Tensor, index: tf.Tensor): tf.Tensor => one(gather({ x, index }, {}));

/** x [B, K, D], index [B, K] int32, each image's positions distinct -> [B, tokens, D], zeros where nothing was put. */
export const scatterTokens = (x: tf.Tensor, index: tf.Tensor, tokens: number): tf.Tensor => one(scatter({ x, index }, { tokens }));

/** Rows [R] int32, distinct, of x [N, D] -> [R, D]. */
export const gatherRows = (x: tf.Tensor, rows: tf.Tensor): tf.Tensor => tf.reshape(gatherTokens(tf.expandDims(x, 0), tf.expandDims(rows, 0)), [rows.size, x.shape[1]!]);
