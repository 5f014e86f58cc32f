/** The encoder of OpenAI's discrete VAE (Ramesh et al., ICML 2021), whose codes BEiT learns to tell. */
import * as tf from '@tensorflow/tfjs-core';
import { convolution } from '../ops/convolution.ts';
import { linear } from '../ops/linear.ts';
import { maxPool } from '../ops/maxPool.ts';
import { relu } from '../ops/relu.ts';
import type { ParameterSpec, Scope } from './parameters.ts';

export interface OpenaiDvaeShape {
  /** Channels of the first group; each group has twice those of the one before. */
  width: number;
  vocabulary: number;
}

const groups = 4, blocksPerGroup = 2;
/** The residual branches of all blocks add up: each counts so little. */
const branchGain = 1 / (groups * blocksPerGroup) ** 2;
/** Sides of a block's four convolutions. */
const kernels = [3, 3, 3, 1];
/** Pixels of the image for each code, along a side: three poolings. */
export const openaiDvaeStride = 2 ** (groups - 1);
/** What the encoder sees of a channel value c in [0, 1] is 0.8 c + 0.1, as (c - mean) / std. */
export const openaiDvaePixels = { mean: [-0.125, -0.125, -0.125], std: [1.25, 1.25, 1.25] };

interface Block {
  name: string;
  group: number;
  inputs: number;
  outputs: number;
  isFirst: boolean;
}

function blocksOf({ width }: OpenaiDvaeShape): Block[] {
  return Array.from({ length: groups * blocksPerGroup }, (_, i) => {
    const group = Math.floor(i / blocksPerGroup), outputs = width * 2 ** group, isFirst = i % blocksPerGroup === 0;
    return { name: `blocks.group_${group + 1}.block_${(i % blocksPerGroup) + 1}`, group, inputs: isFirst && group > 0 ? outputs / 2 : outputs, outputs, isFirst };
  });
}

/** The encoder's parameters by the names of its checkpoint. They are read from a file, and start as zeros. */
export function openaiDvaeSpecs(shape: OpenaiDvaeShape): ParameterSpec[] {
  const layer = (name: string, outputs: number, inputs: number, side: number): ParameterSpec[] => [['w', [outputs, inputs, side, side]] as const, ['b', [outputs]] as const].map(([key, dimensions]) => ({ name: `${name}.${key}`, shape: [...dimensions], initializer: { kind: 'zeros' }, trainable: false }));
  return [
    ...layer('blocks.input', shape.width, 3, 7),
    ...blocksOf(shape).flatMap(({ name, inputs, outputs }) => [
      ...(inputs === outputs ? [] : layer(`${name}.id_path`, outputs, inputs, 1)),
      ...kernels.flatMap((side, i) => layer(`${name}.res_path.conv_${i + 1}`, i === kernels.length - 1 ? outputs : outputs / 4, i === 0 ? inputs : outputs / 4, side)),
    ]),
    ...layer('blocks.output.conv', shape.vocabulary, shape.width * 2 ** (groups - 1), 1),
  ];
}

/** A convolution that keeps the image's size; one of single pixels is a matrix product. */
function layer(scope: Scope, x: tf.Tensor): tf.Tensor {
  const w = scope.get('w'), b = scope.get('b'), [outputs, inputs, side] = w.shape as [number, number, number];
  return side === 1 ? linear(x, tf.reshape(w, [outputs, inputs]), b) : convolution(x, w, b, { padding: (side - 1) / 2 });
}

/** Images [B, H, W, 3], as `openaiDvaePixels` has them, -> logits of the codes, [B, H / 8, W / 8, vocabulary]. */
export function openaiDvaeLogits(scope: Scope, shape: OpenaiDvaeShape, images: tf.Tensor): tf.Tensor {
  let x = layer(scope.at('blocks.input'), images);
  for (const { name, group, inputs, outputs, isFirst } of blocksOf(shape)) {
    if (isFirst && group > 0) x = maxPool(x, { size: 2, stride: 2, padding: 0 });
    const block = scope.at(name);
    const branch = kernels.reduce((y, _, i) => layer(block.at(`res_path.conv_${i + 1}`), relu(y)), x);
    x = tf.add(inputs === outputs ? x : layer(block.at('id_path'), x), tf.mul(branch, branchGain));
  }
  return layer(scope.at('blocks.output.conv'), relu(x));
}
