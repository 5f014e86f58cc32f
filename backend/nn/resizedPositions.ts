/** Learned position embeddings for crops of another size, as DINO, iBOT and MSN resize them. */
import * as tf from '@tensorflow/tfjs-core';
import { resizedGrid } from './resizedGrid.ts';

const a = -0.75; // PyTorch's bicubic kernel

/** The bicubic kernel at distance x. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Weights [to, from] of torch's interpolate(bicubic, align_corners=False) by a scale factor; the border is repeated. */
function weights(from: number, to: number, scale: number): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const row = new Array<number>(from).fill(0);
    const source = (i + 0.5) / scale - 0.5;
    const first = Math.floor(source);
    for (let tap = first - 1; tap <= first + 2; tap++) row[Math.min(from - 1, Math.max(0, tap))]! += cubic(source - tap);
    return row;
  });
}

/**
 * positions [1, 1 + from^2, D] -> [1, 1 + to^2, D], differentiable; the class token's stays. `scale` is the factor that the official code
 * hands to the interpolation, which is not always to / from.
 */
export function resizedPositions(positions: tf.Tensor, from: number, to: number, scale: number): tf.Tensor {
  if (from === to) return positions;
  const width = positions.shape[2]!;
  return tf.tidy(() => {
    const patches = tf.reshape(tf.slice(positions, [0, 1, 0], [1, from * from, width]), [from * from, width]);
    return tf.concat([tf.slice(positions, [0, 0, 0], [1, 1, width]), tf.expandDims(resizedGrid(patches, weights(from, to, scale)), 0)], 1);
  });
}
