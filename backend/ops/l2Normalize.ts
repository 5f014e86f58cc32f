/** Vectors of unit length along the last axis: y = x / max(|x|, eps), as torch.nn.functional.normalize. */
import * as tf from '@tensorflow/tfjs-core';
import { defineOp, many, one } from './op.ts';

interface Eps {
  eps: number;
}

const gradient = defineOp<Eps>({
  name: 'L2NormalizeGradient',
  composition: ({ dy, y, norm }, { eps }) => {
    const along = tf.mul(y!, tf.sum(tf.mul(dy!, y!), -1, true));
    // Where the length is clamped the map is linear and has no part along y to take away.
    return tf.div(tf.sub(dy!, tf.mul(along, tf.cast(tf.greater(norm!, eps), 'float32'))), norm!);
  },
});

const run = defineOp<Eps>({
  name: 'L2Normalize',
  composition: ({ x }, { eps }) => {
    const norm = tf.maximum(tf.sqrt(tf.sum(tf.square(x!), -1, true)), eps);
    return [tf.div(x!, norm), norm];
  },
  saves: { outputs: [true, true] },
  gradient: (dys, [y, norm], attrs) => ({ x: () => one(gradient({ dy: (dys as tf.Tensor[])[0]!, y: y!, norm: norm! }, attrs)) }),
});

/** x [..., D] -> [..., D]. */
export const l2Normalize = (x: tf.Tensor, eps = 1e-12): tf.Tensor => many(run({ x }, { eps }))[0]!;
