/**
 * Multi-head scaled dot-product self-attention (Vaswani et al., 2017) on a packed query, key and value, as ViT checkpoints have it; where
 * blocks know places by relative position embeddings, with a bias on its logits that all images share (Shaw et al., 2018; BEiT).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many, type Tensors } from './op.ts';

interface Heads {
  heads: number;
}

/** qkv [B, T, 3 D] -> q, k, v, each [B, heads, T, D / heads]. */
export function split(qkv: tf.Tensor, heads: number): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [batch, tokens, triple] = qkv.shape as [number, number, number];
  const parts = tf.transpose(tf.reshape(qkv, [batch, tokens, 3, heads, triple / 3 / heads]), [2, 0, 3, 1, 4]);
  return tf.unstack(parts, 0) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

/** [B, heads, T, d] -> [B, T, heads d]. */
const merge = (x: tf.Tensor): tf.Tensor => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [x.shape[0], x.shape[2]!, x.shape[1]! * x.shape[3]!]);

function probabilities(q: tf.Tensor, k: tf.Tensor, bias: tf.Tensor | undefined): tf.Tensor {
  const logits = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(q.shape.at(-1)!));
  return tf.softmax(bias ? tf.add(logits, bias) : logits);
}

/** The second output is the engine's own, for its gradient: the logarithm of each row's sum [B, heads, T], or nothing [0]. */
function attended({ qkv, bias }: Tensors, { heads }: Heads): tf.Tensor[] {
  const [q, k, v] = split(qkv!, heads);
  return [merge(tf.matMul(probabilities(q, k, bias), v)), tf.zeros([0])];
}

/** The probabilities are computed again: they are the largest activation of a block, T times as large as its tokens a head. */
function gradients({ qkv, bias, dy }: Tensors, { heads }: Heads): tf.Tensor[] {
  const [q, k, v] = split(qkv!, heads);
  const [batch, tokens, width] = dy!.shape as [number, number, number];
  const p = probabilities(q, k, bias);
  const dout = tf.transpose(tf.reshape(dy!, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
  const dp = tf.matMul(dout, v, false, true);
  const dlogits = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true)));
  const ds = tf.mul(dlogits, 1 / Math.sqrt(width / heads));
  const dqkv = tf.concat([merge(tf.matMul(ds, k)), merge(tf.matMul(ds, q, true, false)), merge(tf.matMul(p, dout, true, false))], 2);
  return bias ? [dqkv, tf.sum(dlogits, 0)] : [dqkv];
}

/** Two ops of one meaning: what is saved for a gradient cannot be left out. */
function define(name: string, inputs: string[]): (inputs: Tensors, attrs: Heads) => tf.Tensor | tf.Tensor[] {
  const gradient = defineOp<Heads>({ name: `${name}Gradient`, composition: gradients });
  return defineOp<Heads>({
    name,
    composition: attended,
    saves: { inputs, outputs: [true, true] },
    gradient: (dys, saved, attrs) => {
      const [y, sums] = saved.slice(inputs.length) as [tf.Tensor, tf.Tensor];
      const own = Object.fromEntries(inputs.map((input, i) => [input, saved[i]!]));
      const results = many(gradient({ ...own, dy: (dys as tf.Tensor[])[0]!, y, sums }, attrs));
      return Object.fromEntries(inputs.map((input, i) => [input, () => results[i]!]));
    },
  });
}

const plain = define('Attention', ['qkv']);
const biased = define('BiasedAttention', ['qkv', 'bias']);

/** qkv [B, T, 3 D], queries first, bias [heads, T, T] or null -> [B, T, D]. */
export const attention = (qkv: tf.Tensor, heads: number, bias: tf.Tensor | null = null): tf.Tensor => many(bias ? biased({ qkv, bias }, { heads }) : plain({ qkv }, { heads }))[0]!;
