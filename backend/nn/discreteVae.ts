/**
 * A small discrete VAE, as BEiT's code trains one where OpenAI's does not fit ("customized"): an image becomes a grid of codes and is
 * painted again from them. The encoder halves the image a few times, the decoder doubles it as often.
 */
import * as tf from '@tensorflow/tfjs-core';
import { convolution } from '../ops/convolution.ts';
import { linear } from '../ops/linear.ts';
import { relu } from '../ops/relu.ts';
import { transposedConvolution } from '../ops/transposedConvolution.ts';
import type { ParameterSpec, Scope } from './parameters.ts';

export interface DiscreteVaeShape {
  /** Halvings of the image: each code stands for a square of 2^layers pixels. */
  layers: number;
  /** Channels of every layer. */
  width: number;
  vocabulary: number;
}

const side = 4, geometry = { stride: 2, padding: 1 };
/** Channel values in [0, 1] are seen as (c - 0.5) / 0.5. */
export const discreteVaePixels = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** A layer's weight and bias as PyTorch initialises convolutions: evenly within 1 / sqrt(inputs of one output value). */
function layerSpecs(name: string, shape: number[], outputs: number, fanIn: number): ParameterSpec[] {
  const initializer = { kind: 'uniform' as const, limit: 1 / Math.sqrt(fanIn) };
  return [{ name: `${name}.weight`, shape, initializer, trainable: true }, { name: `${name}.bias`, shape: [outputs], initializer, trainable: true }];
}

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export const discreteVaeEncoderSpecs = ({ layers, width, vocabulary }: DiscreteVaeShape): ParameterSpec[] => [
  ...indices(layers).flatMap((i) => layerSpecs(`encoder.${i}.0`, [width, i === 0 ? 3 : width, side, side], width, (i === 0 ? 3 : width) * side ** 2)),
  ...layerSpecs(`encoder.${layers}`, [vocabulary, width, 1, 1], vocabulary, width),
];

/** Encoder, codebook and decoder by the names of BEiT's code; `codeWidth`: numbers that stand for a code. PyTorch counts a transposed convolution's inputs by its outputs. */
export const discreteVaeSpecs = (shape: DiscreteVaeShape, codeWidth: number): ParameterSpec[] => [
  { name: 'codebook.weight', shape: [shape.vocabulary, codeWidth], initializer: { kind: 'normal', std: 1 }, trainable: true },
  ...discreteVaeEncoderSpecs(shape),
  ...indices(shape.layers).flatMap((i) => layerSpecs(`decoder.${i}.0`, [i === 0 ? codeWidth : shape.width, shape.width, side, side], shape.width, shape.width * side ** 2)),
  ...layerSpecs(`decoder.${shape.layers}`, [3, shape.width, 1, 1], 3, shape.width),
];

/** A convolution of single pixels as a matrix product: x [..., in] -> [..., out]. */
function pointwise(scope: Scope, x: tf.Tensor): tf.Tensor {
  const w = scope.get('weight');
  return linear(x, tf.reshape(w, w.shape.slice(0, 2)), scope.get('bias'));
}

/** Images [B, H, W, 3], as `discreteVaePixels` has them, -> features [B, h, w, width] with h = H / 2^layers, and the logits of their codes [B, h, w, vocabulary]. */
export function encodeImages(scope: Scope, { layers }: DiscreteVaeShape, images: tf.Tensor): { features: tf.Tensor; logits: tf.Tensor } {
  const features = indices(layers).reduce((x, i) => {
    const layer = scope.at(`encoder.${i}.0`);
    return relu(convolution(x, layer.get('weight'), layer.get('bias'), geometry));
  }, images);
  return { features, logits: pointwise(scope.at(`encoder.${layers}`), features) };
}

/** Codes as vectors [B, h, w, codeWidth] -> images [B, H, W, 3]. */
export function decodeImages(scope: Scope, { layers }: DiscreteVaeShape, codes: tf.Tensor): tf.Tensor {
  const painted = indices(layers).reduce((x, i) => {
    const layer = scope.at(`decoder.${i}.0`);
    return relu(transposedConvolution(x, layer.get('weight'), layer.get('bias'), geometry));
  }, codes);
  return pointwise(scope.at(`decoder.${layers}`), painted);
}
