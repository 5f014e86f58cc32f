/** Self-attention with a bias on its logits that all images share, as relative position embeddings have it (Shaw et al., 2018; BEiT). */
import * as tf from '@tensorflow/tfjs-core';
import { merge, split } from './attention.ts';
import { defineOp, many, one } from './op.ts';

interface Heads {
  heads: number;
}

const probabilities = (q: tf.Tensor, k: tf.Tensor, bias: tf.Tensor): tf.Tensor => tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape.at(-1)!)), bias));

const gradient = defineOp<Heads>({
  name: 'BiasedAttentionGradient',
  composition: ({ qkv, bias, dy }, { heads }) => {
    const [q, k, v] = split(qkv!, heads);
    const [batch, tokens, width] = dy!.shape as [number, number, number];
    const p = probabilities(q, k, bias!);
    const dout = tf.transpose(tf.reshape(dy!, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
    const dp = tf.matMul(dout, v, false, true);
    const dlogits = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true)));
    const ds = tf.mul(dlogits, 1 / Math.sqrt(width / heads));
    return [tf.concat([merge(tf.matMul(ds, k)), merge(tf.matMul(ds, q, true, false)), merge(tf.matMul(p, dout, true, false))], 2), tf.sum(dlogits, 0)];
  },
});

const run = defineOp<Heads>({
  name: 'BiasedAttention',
  composition: ({ qkv, bias }, { heads }) => {
    const [q, k, v] = split(qkv!, heads);
    return merge(tf.matMul(probabilities(q, k, bias!), v));
  },
  saves: { inputs: ['qkv', 'bias'] },
  // As for plain attention, the probabilities are computed again.
  gradient: (dy, [qkv, bias], attrs) => {
    const [dqkv, dbias] = many(gradient({ qkv: qkv!, bias: bias!, dy: dy as tf.Tensor }, attrs));
    return { qkv: () => dqkv!, bias: () => dbias! };
  },
});

/** qkv [B, T, 3 D], queries first, bias [heads, T, T] -> [B, T, D]. */
export const biasedAttention = (qkv: tf.Tensor, bias: tf.Tensor, heads: number): tf.Tensor => one(run({ qkv, bias }, { heads }));
