/** Layer norm over the last axis (Ba et al., 2016): y = (x - mean) / sqrt(variance + eps) * scale + offset, the variance biased. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many } from './op.ts';

interface Eps {
  eps: number;
}

const gradient = defineOp({
  name: 'LayerNormGradient',
  composition: ({ dy, x, mean, rstd, scale }) => {
    const normalized = tf.mul(tf.sub(x!, mean!), rstd!);
    const axes = x!.shape.map((_, i) => i).slice(0, -1);
    const g = scale ? tf.mul(dy!, scale) : dy!;
    const dx = tf.mul(rstd!, tf.sub(tf.sub(g, tf.mean(g, -1, true)), tf.mul(normalized, tf.mean(tf.mul(g, normalized), -1, true))));
    return scale ? [dx, tf.sum(tf.mul(dy!, normalized), axes), tf.sum(dy!, axes)] : [dx];
  },
});

const run = defineOp<Eps>({
  name: 'LayerNorm',
  composition: ({ x, scale, offset }, { eps }) => {
    const mean = tf.mean(x!, -1, true);
    const centred = tf.sub(x!, mean);
    const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
    const normalized = tf.mul(centred, rstd);
    return [scale ? tf.add(tf.mul(normalized, scale), offset!) : normalized, mean, rstd];
  },
  saves: { inputs: ['x', 'scale'], outputs: [false, true, true] },
  gradient: (dys, saved) => {
    const [dy] = dys as tf.Tensor[];
    const x = saved[0]!;
    const scale = saved.length === 4 ? saved[1]! : undefined;
    const [mean, rstd] = saved.slice(-2);
    const [dx, dscale, doffset] = many(gradient({ dy: dy!, x, mean: mean!, rstd: rstd!, ...(scale ? { scale } : {}) }, {}));
    return { x: () => dx!, scale: () => dscale!, offset: () => doffset! };
  },
});

const plain = defineOp<Eps>({
  name: 'PlainLayerNorm',
  composition: ({ x }, { eps }) => many(run({ x: x! }, { eps })),
  saves: { inputs: ['x'], outputs: [false, true, true] },
  gradient: (dys, [x, mean, rstd]) => {
    const [dx] = many(gradient({ dy: (dys as tf.Tensor[])[0]!, x: x!, mean: mean!, rstd: rstd! }, {}));
    return { x: () => dx! };
  },
});

/** x [..., D], scale and offset [D], or neither (no affine map) -> [..., D]. */
export function layerNorm(x: tf.Tensor, scale: tf.Tensor | null, offset: tf.Tensor | null, eps: number): tf.Tensor {
  return scale && offset ? many(run({ x, scale, offset }, { eps }))[0]! : many(plain({ x }, { eps }))[0]!;
}
