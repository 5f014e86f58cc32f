/** Stochastic depth (Huang et al., 2016): a residual branch is left out for whole samples, and scaled up for the others. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from '../ops/op.ts';

export type Branch = 'attn' | 'mlp';
/** What each sample's branch of a block is scaled by, [batch, 1, 1]; null where nothing is dropped. */
export type DropPath = (block: number, branch: Branch, batch: number) => tf.Tensor | null;

/** Even numbers in [0, 1) of a named draw; equal names of a step give equal numbers. */
export type Draw = (name: string, count: number) => Float32Array;

const scale = defineOp({
  name: 'ScaleSamples',
  composition: ({ x, factors }) => tf.mul(x!, factors!),
  saves: { inputs: ['factors'] },
  gradient: (dy, [factors]) => ({ x: () => tf.mul(dy as tf.Tensor, factors!) }),
});

/** x times factors of the same rank, which need no gradient. */
export const scaleSamples = (x: tf.Tensor, factors: tf.Tensor): tf.Tensor => one(scale({ x, factors }, {}));

/** Block i of n drops a branch with probability rate i / (n - 1), as timm has it. Undefined where nothing is dropped. */
export function dropPath(rate: number, depth: number, draw: Draw): DropPath | undefined {
  if (rate === 0) return undefined;
  return (block, branch, batch) => {
    const kept = 1 - (depth > 1 ? (rate * block) / (depth - 1) : rate);
    if (kept === 1) return null;
    const factors = draw(`block${block}.${branch}`, batch).map((noise) => Math.floor(Math.fround(kept + noise)) / kept);
    return tf.tensor(factors, [batch, 1, 1]);
  };
}
