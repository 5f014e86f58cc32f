/** Batch norm by the batch's own statistics over all axes but the last (Ioffe and Szegedy, 2015); the variance biased. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many } from './op.ts';

interface Eps {
  eps: number;
}

const leading = (x: tf.Tensor): number[] => x.shape.map((_, i) => i).slice(0, -1);

const gradient = defineOp<Eps>({
  name: 'BatchNormGradient',
  composition: ({ dy, x, mean, rstd, scale }) => {
    const axes = leading(x!);
    const normalized = tf.mul(tf.sub(x!, mean!), rstd!);
    const dscale = tf.sum(tf.mul(dy!, normalized), axes), doffset = tf.sum(dy!, axes);
    const n = x!.size / x!.shape.at(-1)!;
    const dx = tf.mul(tf.mul(rstd!, scale!), tf.sub(dy!, tf.div(tf.add(doffset, tf.mul(normalized, dscale)), n)));
    return [dx, dscale, doffset];
  },
});

const run = defineOp<Eps>({
  name: 'BatchNorm',
  composition: ({ x, scale, offset }, { eps }) => {
    const axes = leading(x!);
    const mean = tf.mean(x!, axes);
    const centred = tf.sub(x!, mean);
    const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes), eps));
    return [tf.add(tf.mul(centred, tf.mul(rstd, scale!)), offset!), mean, rstd];
  },
  saves: { inputs: ['x', 'scale'], outputs: [false, true, true] },
  gradient: (dys, [x, scale, mean, rstd], { eps }) => {
    const [dx, dscale, doffset] = many(gradient({ dy: (dys as tf.Tensor[])[0]!, x: x!, mean: mean!, rstd: rstd!, scale: scale! }, { eps }));
    return { x: () => dx!, scale: () => dscale!, offset: () => doffset! };
  },
});

/** x [..., D], scale and offset [D] -> y [..., D], and the batch's mean and 1 / sqrt(variance + eps), each [D]. */
export function batchNorm(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, eps: number): { y: tf.Tensor; mean: tf.Tensor; rstd: tf.Tensor } {
  const [y, mean, rstd] = many(run({ x, scale, offset }, { eps }));
  return { y: y!, mean: mean!, rstd: rstd! };
}
