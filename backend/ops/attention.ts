/** Multi-head scaled dot-product self-attention (Vaswani et al., 2017) on a packed query, key and value, as ViT checkpoints have it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many, one } from './op.ts';

interface Heads {
  heads: number;
}

/** qkv [B, T, 3 D] -> q, k, v, each [B, heads, T, D / heads]. */
export function split(qkv: tf.Tensor, heads: number): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [batch, tokens, triple] = qkv.shape as [number, number, number];
  const parts = tf.transpose(tf.reshape(qkv, [batch, tokens, 3, heads, triple / 3 / heads]), [2, 0, 3, 1, 4]);
  return tf.unstack(parts, 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

const probabilities = (q: tf.Tensor, k: tf.Tensor): tf.Tensor => tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape.at(-1)!)));

/** [B, heads, T, d] -> [B, T, heads d]. */
export const merge = (x: tf.Tensor): tf.Tensor => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2]!, x.shape[1]! * x.shape[3]!]);

const gradient = defineOp<Heads>({
  name: 'AttentionGradient',
  composition: ({ qkv, dy }, { heads }) => {
    const [q, k, v] = split(qkv!, heads);
    const [batch, tokens, width] = dy!.shape as [number, number, number];
    const p = probabilities(q, k);
    const dout = tf.transpose(tf.reshape(dy!, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
    const dp = tf.matMul(dout, v, false, true);
    const ds = tf.mul(tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true))), 1 / Math.sqrt(width / heads));
    return tf.concat([merge(tf.matMul(ds, k)), merge(tf.matMul(ds, q, true, false)), merge(tf.matMul(p, dout, true, false))], 2);
  },
});

const run = defineOp<Heads>({
  name: 'Attention',
  // The second output is the engine's own, for its gradient: the logarithm of each row's sum [B, heads, T], or nothing [0].
  composition: ({ qkv }, { heads }) => {
    const [q, k, v] = split(qkv!, heads);
    return [merge(tf.matMul(probabilities(q, k), v)), tf.zeros([0])];
  },
  saves: { inputs: ['qkv'], outputs: [true, true] },
  // The probabilities are computed again: they are the largest activation of a block, T times as large as its tokens a head.
  gradient: (dys, [qkv, y, sums], attrs) => ({ qkv: () => one(gradient({ qkv: qkv!, dy: (dys as tf.Tensor[])[0]!, y: y!, sums: sums! }, attrs)) }),
});

/** qkv [B, T, 3 D], queries first -> [B, T, D]. */
export const attention = (qkv: tf.Tensor, heads: number): tf.Tensor => many(run({ qkv }, { heads }))[0]!;

/** The attention probabilities themselves, [B, heads, T, T], for pictures; no gradient. */
export const attentionProbabilities = (qkv: tf.Tensor, heads: number): tf.Tensor =>
  tf.tidy(() => {
    const [q, k] = split(qkv, heads);
    return probabilities(q, k);
  });
