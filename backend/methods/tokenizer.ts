/** What gives BEiT's patches their codes: a random projection, OpenAI's dVAE, or a dVAE of BEiT's own kind. All are fixed. */
import * as tf from '@tensorflow/tfjs-core';
import { InputError } from '../errors.ts';
import { modelStateDict } from '../formats/stateDict.ts';
import { openTensorFile, type TensorInfo } from '../formats/tensorFile.ts';
import { discreteVaeEncoderSpecs, discreteVaePixels, encodeImages } from '../nn/discreteVae.ts';
import type { ModelConfig } from '../nn/model.ts';
import { openaiDvaeLogits, openaiDvaePixels, openaiDvaeSpecs } from '../nn/openaiDvae.ts';
import { prefixed, Scope, type Parameters, type ParameterSpec } from '../nn/parameters.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { l2Normalize } from '../ops/l2Normalize.ts';
import type { BeitOptions } from './beit.options.ts';
import type { Picture } from './method.ts';
import { normalizedPixels } from './pixelTargets.ts';

const codeWidth = 16;
const scopeName = 'tokenizer';

const openaiShape = ({ tokenizerWidth: width, vocabulary }: BeitOptions) => ({ width, vocabulary });
const trainedShape = ({ tokenizerWidth: width, tokenizerStride, vocabulary }: BeitOptions) => ({ width, vocabulary, layers: Math.log2(tokenizerStride) });

/** The tokenizer's parameters, none of them trained, under `tokenizer.`. */
export function tokenizerSpecs({ patchSize }: ModelConfig, options: BeitOptions): ParameterSpec[] {
  const specs = (): ParameterSpec[] => {
    switch (options.tokenizer) {
      case 'projection':
        return [
          { name: 'projection', shape: [codeWidth, 3 * patchSize ** 2], initializer: { kind: 'xavier' }, trainable: false },
          { name: 'codebook', shape: [options.vocabulary, codeWidth], initializer: { kind: 'normal', std: 1 }, trainable: false },
        ];
      case 'dvae':
        return openaiDvaeSpecs(openaiShape(options));
      case 'trained':
        return discreteVaeEncoderSpecs(trainedShape(options));
    }
  };
  // Checkpoints of other code have no tokenizer in them.
  return prefixed(`${scopeName}.`, specs()).map((spec) => ({ ...spec, ...(options.tokenizer !== 'projection' && { initializer: { kind: 'zeros' } }), trainable: false, optional: true }));
}

/** A picture's pixels, (value / 255 - mean) / std, [B, S, S, 3]. */
export const pictureTensor = ({ pixels, size }: Picture, { mean, std }: { mean: number[]; std: number[] }): tf.Tensor => tf.reshape(imagePatches(pixels, size, 1, mean, std), [-1, size, size, 3]);

/** Codes [M] of patches [M, 3 P^2]: the nearest random code of a random projection, both of unit length. */
export function projectionCodes(parameters: Parameters, patches: tf.Tensor, patchSize: number): tf.Tensor {
  const p = new Scope(parameters).at(scopeName);
  const pixels = tf.reshape(normalizedPixels(tf.expandDims(patches, 0), patchSize), [patches.shape[0], patches.shape[1]!]);
  const projected = l2Normalize(tf.matMul(pixels, p.get('projection'), false, true));
  return tf.argMax(tf.matMul(projected, l2Normalize(p.get('codebook')), false, true), 1);
}

/** Logits of the codes that a dVAE gives the tokenizer's view, [B N, vocabulary]. */
export function pictureLogits(parameters: Parameters, options: BeitOptions, picture: Picture): tf.Tensor {
  const p = new Scope(parameters).at(scopeName);
  const logits = options.tokenizer === 'dvae' ? openaiDvaeLogits(p, openaiShape(options), pictureTensor(picture, openaiDvaePixels)) : encodeImages(p, trainedShape(options), pictureTensor(picture, discreteVaePixels)).logits;
  return tf.reshape(logits, [-1, options.vocabulary]);
}

/** Reads the weights that the run file names into the parameters. Rejects with InputError that says what the file is instead. */
export async function loadTokenizer(parameters: Parameters, options: BeitOptions): Promise<void> {
  const { tokenizer, tokenizerWeights: path } = options;
  if (tokenizer === 'projection' || path === null) return;
  const file = await openTensorFile(path).catch((error: Error) => {
    throw error instanceof InputError ? new InputError(`method.tokenizerWeights: ${error.message}`) : error;
  });
  try {
    // BEiT's code keeps its customized dVAE as `weights`.
    const { tensors } = modelStateDict(file, file.containers.includes('weights') ? 'weights' : undefined);
    const wanted = parameters.specs.filter(({ name }) => name.startsWith(`${scopeName}.`)).map(({ name, shape }) => ({ name, own: name.slice(scopeName.length + 1), shape }));
    const problem = tokenizer === 'dvae' ? openaiProblem(tensors, options) : trainedProblem(tensors, options);
    if (problem) throw new InputError(`method.tokenizerWeights: ${path} ${problem}`);
    for (const { own, shape } of wanted) {
      const tensor = tensors.get(own);
      if (tensor?.shape.join() !== shape.join()) throw new InputError(`method.tokenizerWeights: ${path} ${tensor ? `has ${own} of shape [${tensor.shape.join(', ')}], not [${shape.join(', ')}]` : `has no tensor ${own}`}: it is not the encoder that method.tokenizer "${tokenizer}" describes`);
    }
    for (const { name, own, shape } of wanted) parameters.set(name, await file.readFloat32(tensors.get(own)!.name), shape);
  } finally {
    await file.close();
  }
}

type Tensors = ReadonlyMap<string, TensorInfo>;

/** What to set so that the options describe the file's encoder; null where they do. */
function sizesProblem(width: number, vocabulary: number, stride: number, options: BeitOptions): string | null {
  const keys = [['tokenizerWidth', width], ['vocabulary', vocabulary], ['tokenizerStride', stride]] as const;
  const other = keys.filter(([key, value]) => options[key] !== value);
  return other.length === 0 ? null : `is an encoder of ${width} channels, ${vocabulary} codes and ${stride} pixels a code: set ${other.map(([key, value]) => `method.${key}=${value}`).join(' and ')}`;
}

function openaiProblem(tensors: Tensors, options: BeitOptions): string | null {
  const first = tensors.get('blocks.input.w'), last = tensors.get('blocks.output.conv.w');
  if (!first || !last) return `is not the encoder of OpenAI's dVAE (it has no ${first ? 'blocks.output.conv.w' : 'blocks.input.w'})${tensors.has('encoder.0.0.weight') ? ': it is a dVAE of BEiT\'s own kind, set method.tokenizer=trained' : ''}`;
  return sizesProblem(first.shape[0] ?? 0, last.shape[0] ?? 0, 8, options);
}

function trainedProblem(tensors: Tensors, options: BeitOptions): string | null {
  let layers = 0;
  while (tensors.has(`encoder.${layers}.0.weight`)) layers++;
  const first = tensors.get('encoder.0.0.weight'), last = tensors.get(`encoder.${layers}.weight`);
  if (!first || !last) return `is no dVAE that "siamscope tokenizer" wrote (it has no ${first ? `encoder.${layers}.weight` : 'encoder.0.0.weight'})${tensors.has('blocks.input.w') ? ': it is OpenAI\'s, set method.tokenizer=dvae' : ''}`;
  return sizesProblem(first.shape[0] ?? 0, last.shape[0] ?? 0, 2 ** layers, options);
}
