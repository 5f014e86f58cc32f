/** ResNet of bottleneck blocks (He et al., 2016) with the stride in the 3 x 3 convolution, as torchvision has it ("v1.5"), by torchvision's and timm's names. */
import * as tf from '@tensorflow/tfjs-core';
import { convolution, type ConvolutionGeometry } from '../ops/convolution.ts';
import { imagesOf } from '../ops/imagePatches.ts';
import { maxPool } from '../ops/maxPool.ts';
import { relu } from '../ops/relu.ts';
import { batchNormLayer, batchNormSpecs } from './layers.ts';
import { expansion, type ResidualDimensions } from './model.ts';
import type { ParameterSpec, Scope } from './parameters.ts';

const eps = 1e-5; // PyTorch's

/** A convolution without bias, by He et al.'s normal initialisation over its outputs. */
function convolutionSpec(name: string, inputs: number, outputs: number, side: number): ParameterSpec {
  return { name: `${name}.weight`, shape: [outputs, inputs, side, side], initializer: { kind: 'normal', std: Math.sqrt(2 / (outputs * side * side)) }, trainable: true };
}

/** Where each block is, and what it maps. */
function blocksOf({ blocks, baseWidth }: ResidualDimensions): { name: string; inputs: number; inner: number; stride: number }[] {
  return blocks.flatMap((count, stage) =>
    Array.from({ length: count }, (_, block) => {
      const inner = baseWidth * 2 ** stage;
      const before = stage === 0 ? baseWidth : (inner / 2) * expansion;
      return { name: `layer${stage + 1}.${block}`, inputs: block === 0 ? before : inner * expansion, inner, stride: block === 0 && stage > 0 ? 2 : 1 };
    }),
  );
}

export function resnetSpecs(dimensions: ResidualDimensions): ParameterSpec[] {
  const { baseWidth } = dimensions;
  return [
    convolutionSpec('conv1', 3, baseWidth, 7),
    ...batchNormSpecs('bn1', baseWidth, true),
    ...blocksOf(dimensions).flatMap(({ name, inputs, inner, stride }) => [
      convolutionSpec(`${name}.conv1`, inputs, inner, 1),
      ...batchNormSpecs(`${name}.bn1`, inner, true),
      convolutionSpec(`${name}.conv2`, inner, inner, 3),
      ...batchNormSpecs(`${name}.bn2`, inner, true),
      convolutionSpec(`${name}.conv3`, inner, inner * expansion, 1),
      ...batchNormSpecs(`${name}.bn3`, inner * expansion, true),
      ...(inputs !== inner * expansion || stride > 1 ? [convolutionSpec(`${name}.downsample.0`, inputs, inner * expansion, 1), ...batchNormSpecs(`${name}.downsample.1`, inner * expansion, true)] : []),
    ]),
  ];
}

/** A convolution and the batch norm after it. */
function normalized(scope: Scope, [conv, norm]: [string, string], x: tf.Tensor, geometry: Partial<ConvolutionGeometry>, training: boolean): tf.Tensor {
  return batchNormLayer(scope.at(norm), convolution(x, scope.get(`${conv}.weight`), null, geometry), eps, training);
}

function bottleneck(scope: Scope, x: tf.Tensor, stride: number, training: boolean): tf.Tensor {
  return tf.tidy(() => {
    const narrow = relu(normalized(scope, ['conv1', 'bn1'], x, {}, training));
    const seen = relu(normalized(scope, ['conv2', 'bn2'], narrow, { stride, padding: 1 }, training));
    const wide = normalized(scope, ['conv3', 'bn3'], seen, {}, training);
    const shortcut = scope.has('downsample.0.weight') ? normalized(scope, ['downsample.0', 'downsample.1'], x, { stride }, training) : x;
    return relu(tf.add(wide, shortcut));
  });
}

/** Patches [B, N, 3 P^2] with P the stride -> the last stage's grid row by row, [B, N, width]. In training batch norms use the batch's statistics. */
export function resnetFeatures(scope: Scope, dimensions: ResidualDimensions, patches: tf.Tensor, training: boolean): tf.Tensor {
  return tf.tidy(() => {
    const images = imagesOf(patches, dimensions.patchSize);
    const stem = tf.tidy(() => relu(normalized(scope, ['conv1', 'bn1'], images, { stride: 2, padding: 3 }, training)));
    let x = maxPool(stem, { size: 3, stride: 2, padding: 1 });
    for (const { name, stride } of blocksOf(dimensions)) x = bottleneck(scope.at(name), x, stride, training);
    const [batch, rows, columns, width] = x.shape as [number, number, number, number];
    return tf.reshape(x, [batch, rows * columns, width]);
  });
}
