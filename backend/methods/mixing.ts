/** What timm does to a batch of normalised images: random erasing (Zhong et al., 2020), and Mixup or CutMix (Zhang et al., 2018; Yun et al., 2019), every image with its counterpart from the batch's other end. */
import * as tf from '@tensorflow/tfjs-core';
import type { Draw } from '../nn/dropPath.ts';

/** How each image is mixed with its partner, image B - 1 - i. */
export interface Mixing {
  /** [B], the share of the image itself. */
  lambda: Float32Array;
  /** [B, 4]: top, bottom, left and right of the partner's box, in pixels; null where images are blended. */
  boxes: Int32Array | null;
}

/** A draw of Beta(a, a) from even numbers, by the ratio of Joehnk; noise is used up two by two. */
function beta(a: number, noise: Float32Array): number {
  for (let i = 0; i + 1 < noise.length; i += 2) {
    const [x, y] = [noise[i]! ** (1 / a), noise[i + 1]! ** (1 / a)];
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
  return 0.5;
}

/** More tries than any sensible a needs: the chance of a try is above 0.16 up to a = 1. */
const betaNumbers = 512;

/** One draw for the whole batch. Null where nothing is mixed. */
export function drawMixing(draw: Draw, { mixup, cutmix }: { mixup: number; cutmix: number }, batch: number, size: number): Mixing | null {
  if (mixup === 0 && cutmix === 0) return null;
  const isCut = mixup === 0 || (cutmix > 0 && draw('mix.kind', 1)[0]! < 0.5);
  const share = beta(isCut ? cutmix : mixup, draw('mix.share', betaNumbers));
  if (!isCut) return { lambda: new Float32Array(batch).fill(share), boxes: null };
  const side = Math.floor(size * Math.sqrt(1 - share)), half = Math.floor(side / 2);
  const [row, column] = Array.from(draw('mix.centre', 2), (noise) => Math.floor(noise * size)) as [number, number];
  const clip = (at: number): number => Math.min(size, Math.max(0, at));
  const box = [clip(row - half), clip(row + half), clip(column - half), clip(column + half)] as [number, number, number, number];
  // What the border cuts off counts for the image itself.
  const own = 1 - ((box[1] - box[0]) * (box[3] - box[2])) / size ** 2;
  return { lambda: new Float32Array(batch).fill(own), boxes: Int32Array.from({ length: 4 * batch }, (_, i) => box[i % 4]!) };
}

/** Of the image's area and of height / width, as timm has them. */
const erasedArea = [0.02, 1 / 3] as const, erasedAspect = [0.3, 1 / 0.3] as const, erasingTries = 10;

/** Boxes that are erased (Zhong et al., 2020): of each image with probability `chance` one of top, bottom, left and right in pixels, else null. */
export function drawErasing(draw: Draw, chance: number, batch: number, size: number): ([number, number, number, number] | null)[] {
  const perImage = 1 + 4 * erasingTries, noise = draw('erasing', batch * perImage);
  const between = (low: number, high: number, at: number): number => low + (high - low) * noise[at]!;
  return Array.from({ length: batch }, (_, image) => {
    const first = image * perImage;
    if (noise[first]! >= chance) return null;
    for (let at = first + 1; at < first + perImage; at += 4) {
      const area = between(...erasedArea, at) * size * size, aspect = Math.exp(between(Math.log(erasedAspect[0]), Math.log(erasedAspect[1]), at + 1));
      const height = Math.round(Math.sqrt(area * aspect)), width = Math.round(Math.sqrt(area / aspect));
      if (height >= size || width >= size) continue;
      const top = Math.floor(noise[at + 2]! * (size - height + 1)), left = Math.floor(noise[at + 3]! * (size - width + 1));
      return [top, top + height, left, left + width];
    }
    return null;
  });
}

/** Patches [B, N, 3 P^2] with N(0, 1) in every pixel of the boxes, after normalisation as in timm's mode "pixel"; the noise follows from `draw`. */
export function erasePatches(patches: tf.Tensor, boxes: readonly ([number, number, number, number] | null)[], patchSize: number, draw: Draw): tf.Tensor {
  const erased = Array.from(boxes.keys()).filter((i) => boxes[i] !== null);
  if (erased.length === 0) return patches;
  const [batch, count, values] = patches.shape as [number, number, number];
  const grid = Math.round(Math.sqrt(count)), area = patchSize ** 2, channels = values / area;
  // Only images with a box are made on the host.
  const noise = new Float32Array(erased.length * count * values), kept = new Float32Array(erased.length * count * values).fill(1);
  erased.forEach((image, place) => {
    const [top, bottom, left, right] = boxes[image]!, pixels = (bottom - top) * (right - left);
    const normal = normals(draw(`erasing.${image}`, 2 * Math.ceil((channels * pixels) / 2)));
    let next = 0;
    for (let y = top; y < bottom; y++)
      for (let x = left; x < right; x++) {
        const patch = Math.floor(y / patchSize) * grid + Math.floor(x / patchSize);
        const at = (place * count + patch) * values + (y % patchSize) * patchSize + (x % patchSize);
        for (let channel = 0; channel < channels; channel++) {
          noise[at + channel * area] = normal[next++]!;
          kept[at + channel * area] = 0;
        }
      }
  });
  return tf.tidy(() => {
    const own = tf.gather(patches, tf.tensor1d(Int32Array.from(erased), 'int32'));
    const shape: [number, number, number] = [erased.length, count, values];
    const changed = tf.add(tf.mul(own, tf.tensor(kept, shape)), tf.tensor(noise, shape));
    const order = Int32Array.from({ length: batch }, (_, i) => (boxes[i] === null ? i : batch + erased.indexOf(i)));
    return tf.gather(tf.concat([patches, changed], 0), tf.tensor1d(order, 'int32'));
  });
}

/** As many draws of N(0, 1) as there are even ones, by Box and Muller, two of two. */
function normals(noise: Float32Array): Float32Array {
  const result = new Float32Array(noise.length);
  for (let i = 0; i < noise.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - noise[i]!)), angle = 2 * Math.PI * noise[i + 1]!;
    result[i] = radius * Math.cos(angle);
    result[i + 1] = radius * Math.sin(angle);
  }
  return result;
}

/** Patches [B, N, 3 P^2] mixed; their pixels may lie in a box that cuts through patches. */
export function mixPatches(patches: tf.Tensor, { lambda, boxes }: Mixing, patchSize: number): tf.Tensor {
  return tf.tidy(() => {
    const [batch, count, values] = patches.shape as [number, number, number];
    const partner = tf.gather(patches, tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => batch - 1 - i), 'int32'));
    if (!boxes) return tf.add(partner, tf.mul(tf.sub(patches, partner), tf.tensor(lambda, [batch, 1, 1])));
    const grid = Math.round(Math.sqrt(count)), side = grid * patchSize;
    const inside = (low: number, high: number) => Float32Array.from({ length: side }, (_, i) => Number(i >= low && i < high));
    // A box is the product of its rows and its columns: only those are made on the host.
    const axis = (from: 0 | 2) => Float32Array.from(Array.from({ length: batch }, (_, b) => Array.from(inside(boxes[4 * b + from]!, boxes[4 * b + from + 1]!))).flat());
    const byRow = tf.tensor(axis(0), [batch, grid, 1, patchSize, 1]), byColumn = tf.tensor(axis(2), [batch, 1, grid, 1, patchSize]);
    const box = tf.reshape(tf.mul(byRow, byColumn), [batch, count, 1, patchSize ** 2]);
    const cut = tf.reshape(tf.mul(box, tf.ones([1, 1, values / patchSize ** 2, 1])), [batch, count, values]);
    return tf.add(patches, tf.mul(tf.sub(partner, patches), cut));
  });
}

/** Labels [B] as distributions [B, classes]: smoothed, and mixed as the images are. */
export function softTargets(labels: Int32Array, classes: number, smoothing: number, mixing: Mixing | null): Float32Array {
  const batch = labels.length;
  const off = smoothing / classes;
  const targets = new Float32Array(batch * classes).fill(off);
  for (let i = 0; i < batch; i++) {
    const own = mixing ? mixing.lambda[i]! : 1;
    targets[i * classes + labels[i]!]! += own * (1 - smoothing);
    targets[i * classes + labels[batch - 1 - i]!]! += (1 - own) * (1 - smoothing);
  }
  return targets;
}
