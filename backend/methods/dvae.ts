/** A tokenizer's training: images are told by codes drawn for each of their squares, and painted again from those (BEiT's customized dVAE). */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { decodeImages, discreteVaePixels, discreteVaeSpecs, encodeImages, type DiscreteVaeShape } from '../nn/discreteVae.ts';
import type { ModelConfig } from '../nn/model.ts';
import { Scope, type Parameters } from '../nn/parameters.ts';
import { withoutGradient } from '../ops/gradients.ts';
import { imagenetMean, imagenetStd, imagesOf, patchesOf } from '../ops/imagePatches.ts';
import { dvaeLayers, type DvaeOptions } from './dvae.options.ts';
import type { Method, MethodBatch, MethodOutput, Picture, StepContext } from './method.ts';
import { pixelTargets } from './pixelTargets.ts';
import { pictureTensor } from './tokenizer.ts';

const shapeOf = (model: ModelConfig, { width, vocabulary }: DvaeOptions): DiscreteVaeShape => ({ layers: dvaeLayers(model), width, vocabulary });

/** Softmax of (logits + Gumbel noise) / temperature over the last axis: nearly one code each, drawn by the logits' probabilities, and differentiable (Jang et al., ICLR 2017). */
function drawnCodes(logits: tf.Tensor, temperature: number, draw: StepContext['draw']): tf.Tensor {
  const noise = withoutGradient(() => {
    const uniform = tf.tensor(draw('gumbel', logits.size), logits.shape);
    return tf.neg(tf.log(tf.neg(tf.log(tf.maximum(uniform, 1e-20)))));
  });
  return tf.softmax(tf.div(tf.add(logits, noise), temperature));
}

/** How many codes are in use, by the most likely code of each square: all of them, and how many equally frequent ones would be as varied. */
function codeStatistics(logits: tf.Tensor): Record<string, tf.Tensor> {
  return withoutGradient(() =>
    tf.tidy(() => {
      const shares = tf.mean(tf.cast(tf.oneHot(tf.cast(tf.argMax(logits, 1), 'int32'), logits.shape[1]!), 'float32'), 0);
      const entropy = tf.neg(tf.sum(tf.mul(shares, tf.log(tf.maximum(shares, 1e-20)))));
      return { distinct_codes: tf.sum(tf.cast(tf.greater(shares, 0), 'float32')), code_perplexity: tf.exp(entropy) };
    }),
  );
}

/** The view that is read. Throws InputError where the batch has none. */
function pictureOf({ pictures }: MethodBatch): Picture {
  const picture = pictures?.online;
  if (!picture) throw new InputError('a dVAE reads whole images, and this batch has none');
  return picture;
}

function forward(parameters: Parameters, model: ModelConfig, options: DvaeOptions, given: MethodBatch, step: StepContext): MethodOutput {
  const p = new Scope(parameters), shape = shapeOf(model, options);
  const images = withoutGradient(() => pictureTensor(pictureOf(given), discreteVaePixels));
  const encoded = encodeImages(p, shape, images).logits;
  const [batch, height, width] = encoded.shape as [number, number, number];
  const logits = tf.reshape(encoded, [batch * height * width, options.vocabulary]);
  const codes = tf.matMul(drawnCodes(logits, options.temperature, step.draw), p.get('codebook.weight'));
  const painted = decodeImages(p, shape, tf.reshape(codes, [batch, height, width, options.codeWidth]));
  const loss = tf.mean(tf.square(tf.sub(painted, images)));
  const metrics = { reconstruction_error: withoutGradient(() => tf.clone(loss)), ...codeStatistics(logits) };
  return { loss, metrics, intermediates: { logits, painted } };
}

/** The most likely code of each square, [B h w], of logits [B, h, w, vocabulary]. */
const likeliestCodes = (logits: tf.Tensor): tf.Tensor => tf.reshape(tf.argMax(logits, 3), [-1]);

/** Patches as other methods take them [B, N, 3 P^2] -> the images [B, H, W, 3] as a dVAE takes them: (c - 0.5) / 0.5 of channel values c. */
function imagesOfPatches(patches: tf.Tensor, { patchSize }: ModelConfig): tf.Tensor {
  const channels = tf.add(tf.mul(imagesOf(patches, patchSize), tf.tensor1d(imagenetStd)), tf.tensor1d(imagenetMean));
  return tf.div(tf.sub(channels, tf.tensor1d(discreteVaePixels.mean)), tf.tensor1d(discreteVaePixels.std));
}

/** The reverse. */
function patchesOfImages(images: tf.Tensor, { patchSize }: ModelConfig): tf.Tensor {
  const channels = tf.add(tf.mul(images, tf.tensor1d(discreteVaePixels.std)), tf.tensor1d(discreteVaePixels.mean));
  return patchesOf(tf.transpose(tf.div(tf.sub(channels, tf.tensor1d(imagenetMean)), tf.tensor1d(imagenetStd)), [0, 3, 1, 2]), patchSize);
}

export const dvae: Method<DvaeOptions> = {
  name: 'dvae', momentumPairs: () => [], encoders: null, pictures: ['online'], forward,
  codes(parameters, model, options, batch) {
    const { logits } = encodeImages(new Scope(parameters), shapeOf(model, options), pictureTensor(pictureOf(batch), discreteVaePixels));
    return tf.reshape(likeliestCodes(logits), [logits.shape[0], logits.shape[1]! * logits.shape[2]!]);
  },
  codeCount: ({ vocabulary }) => vocabulary,
  tokens(parameters, model, options, patches) {
    const { features } = encodeImages(new Scope(parameters), shapeOf(model, options), imagesOfPatches(patches, model));
    const [batch, height, width, channels] = features.shape as [number, number, number, number];
    return tf.reshape(features, [batch, height * width, channels]);
  },
  reconstruct(parameters, model, options, { views }) {
    const p = new Scope(parameters), shape = shapeOf(model, options), { patches } = views[0]!;
    const { logits } = encodeImages(p, shape, imagesOfPatches(patches, model));
    const [batch, height, width] = logits.shape as [number, number, number];
    const codes = tf.gather(p.get('codebook.weight'), likeliestCodes(logits));
    const painted = patchesOfImages(decodeImages(p, shape, tf.reshape(codes, [batch, height, width, options.codeWidth])), model);
    return { painted: pixelTargets(painted, model.patchSize), target: pixelTargets(patches, model.patchSize), normalised: false };
  },
  specs: (model, options) => discreteVaeSpecs(shapeOf(model, options), options.codeWidth),
};
