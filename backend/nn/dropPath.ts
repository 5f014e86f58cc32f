/** Stochastic depth (Huang et al., 2016): a residual branch is left out for whole samples, and scaled up for the others. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, one } from '../ops/op.ts';

export type DropBranch = (branch: 'attn' | 'mlp', y: tf.Tensor) => tf.Tensor;
export type DropPath = (block: number, ...branch: Parameters<DropBranch>) => tf.Tensor;

/** Even numbers in [0, 1) of a named draw; equal names of a step give equal numbers. */
export type Draw = (name: string, count: number) => Float32Array;

const scaleSamples = defineOp({
  name: 'ScaleSamples',
  composition: ({ x, factors }) => tf.mul(x!, factors!),
  saves: { inputs: ['factors'] },
  gradient: (dy, [factors]) => ({ x: () => tf.mul(dy as tf.Tensor, factors!) }),
});

/** Block i of n drops a branch with probability rate i / (n - 1), as timm has it. Undefined where nothing is dropped. */
export function dropPath(rate: number, depth: number, draw: Draw): DropPath | undefined {
  if (rate === 0) return undefined;
  return (block, branch, y) => {
    const kept = 1 - (depth > 1 ? (rate * block) / (depth - 1) : rate);
    if (kept === 1) return y;
    const factors = draw(`block${block}.${branch}`, y.shape[0]).map((noise) => Math.floor(Math.fround(kept + noise)) / kept);
    return one(scaleSamples({ x: y, factors: tf.tensor(factors, [y.shape[0], 1, 1]) }, {}));
  };
}
