/** A ResNet among a checkpoint's tensors as timm's ResNet loads it: names are the same, so that what is checked is that all are there. */
import { InputError } from '../errors.ts';
import type { TensorInfo } from '../formats/tensorFile.ts';
import type { EncoderTensors } from '../methods/officialEncoders.ts';
import { modelDimensions, modelSchema } from '../nn/model.ts';
import { resnetSpecs } from '../nn/resnet.ts';
import type { ExportedEncoder } from './export.ts';
import { resnetStages } from './recognize.ts';

/** timm's resnet50 has this width whatever its arguments. */
const timmBaseWidth = 64;

/** Throws InputError where a tensor is missing or has another shape than a ResNet of bottleneck blocks has. */
export function exportedResnet(path: string, encoder: EncoderTensors): ExportedEncoder {
  const architecture = resnetStages(path, encoder);
  const { blocks, baseWidth } = architecture;
  const dimensions = modelDimensions(modelSchema.parse({ arch: 'resnet50', blocks, baseWidth }));
  const tensors = new Map<string, TensorInfo>();
  for (const { name, shape } of dimensions.kind === 'residual' ? resnetSpecs(dimensions) : []) {
    const tensor = encoder.get(name);
    // Older files have no counters of batches, and PyTorch does without.
    if (!tensor && name.endsWith('num_batches_tracked')) continue;
    if (!tensor) throw new InputError(`${path} has no tensor ${name} in this branch: its encoder is not whole`);
    if (tensor.shape.join() !== shape.join()) throw new InputError(`${path}: tensor ${tensor.name} has the shape [${tensor.shape.join(', ')}] instead of [${shape.join(', ')}]`);
    tensors.set(name, tensor);
  }
  const isPublished = blocks.join() === '3,4,6,3';
  const warnings = baseWidth === timmBaseWidth ? [] : [`timm's resnet50 has a stem of ${timmBaseWidth} channels, this one of ${baseWidth}: the file can be read, but no model of timm's takes it`];
  return { tensors, architecture, timmModel: 'resnet50', timmArguments: { num_classes: 0, ...(isPublished ? {} : { layers: blocks, channels: blocks.map((_, stage) => timmBaseWidth * 2 ** stage) }) }, warnings };
}
