/** Patches that a method drops itself, the same places of all images of a batch. Free of TensorFlow.js, so that they can be shown before there is a tensor. */
import type { Draw } from '../nn/dropPath.ts';

/** The places that are kept: the first of a random order. */
export function keptPatches(count: number, drop: number, draw: Draw): Int32Array {
  const noise = draw('keep', count);
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((p, q) => noise[p]! - noise[q]!);
  return order.subarray(0, Math.floor(count * (1 - drop)));
}

/** The same as a mask, 1 is dropped. */
export function droppedPatches(count: number, drop: number, draw: Draw): Uint8Array {
  const mask = new Uint8Array(count).fill(1);
  for (const patch of keptPatches(count, drop, draw)) mask[patch] = 0;
  return mask;
}
