/** What a checkpoint without a run is a model of: the method by its tensors' names, the dimensions by their shapes. */
import { InputError } from '../errors.ts';
import { modelStateDict, type StateDict } from '../formats/stateDict.ts';
import type { TensorFile } from '../formats/tensorFile.ts';
import { methodSchema, type MethodConfig } from '../methods/registry.ts';
import { modelSchema, type ModelConfig } from '../nn/model.ts';

export interface Recognized {
  model: ModelConfig;
  method: MethodConfig;
  /** What weights do not show, and was assumed. */
  assumptions: string[];
}

/** Width of a head in every published ViT from tiny to large. */
const headWidth = 64;
const publishedDecoderHeads = 16;

/** Blocks `PREFIX.0`, `PREFIX.1`, ... that are there. */
function depthOf({ tensors }: StateDict, prefix: string): number {
  let depth = 0;
  while (tensors.has(`${prefix}.${depth}.attn.qkv.weight`)) depth++;
  return depth;
}

/** Throws InputError where the tensors are not those of SiameseIM or MAE. `heads` of the encoder are not in the weights. */
export function recognizeModel(file: TensorFile, heads?: number): Recognized {
  const state = modelStateDict(file);
  const { tensors } = state;
  const shape = (name: string): number[] => {
    const tensor = tensors.get(name);
    if (!tensor) throw new InputError(`${file.path} has no tensor ${name}: it is not a SiameseIM or MAE checkpoint with a Vision Transformer encoder`);
    return tensor.shape;
  };
  const width = shape('cls_token').at(-1)!;
  const patchSize = shape('patch_embed.proj.weight').at(-1)!;
  const grid = Math.round(Math.sqrt(shape('pos_embed')[1]! - 1));
  const assumptions: string[] = [];
  const divides = (count: number, of: number): boolean => of % count === 0;
  const encoderHeads = heads ?? Math.max(1, Math.round(width / headWidth));
  if (!divides(encoderHeads, width)) throw new InputError(`${file.path}: ${encoderHeads} heads do not divide the encoder's width of ${width}: give their number with --heads`);
  if (heads === undefined) assumptions.push(`${encoderHeads} attention heads, ${headWidth} wide as in every published ViT (give another number with --heads)`);
  const model = modelSchema.parse({ arch: 'vit_base', width, depth: depthOf(state, 'blocks'), heads: encoderHeads, patchSize, imageSize: grid * patchSize, layerScale: tensors.has('blocks.0.ls1.gamma') ? 1 : null });

  const decoderWidth = shape('decoder_embed.weight')[0]!;
  const decoderHeads = divides(publishedDecoderHeads, decoderWidth) ? publishedDecoderHeads : 1;
  assumptions.push(`${decoderHeads} heads in the decoder`);
  if (tensors.has('decoder_pos_mlp.weight')) {
    const normOf = (prefix: string): 'batch' | 'layer' => (tensors.has(`${prefix}.0.norm1.bn.weight`) ? 'batch' : 'layer');
    const projectorDepth = depthOf(state, 'projector_decoder_blocks');
    const target = tensors.has('mm_cls_token') ? {} : { target: 'pixel', loss: 'l2' };
    const method = methodSchema.parse({ name: 'siamese', ...target, decoderWidth, decoderHeads, projectorDepth, predictorDepth: depthOf(state, 'predictor_decoder_blocks'), predictorNorm: normOf('predictor_decoder_blocks'), projectorNorm: projectorDepth > 0 ? normOf('projector_decoder_blocks') : 'batch', onlineNorm: tensors.has('student_norm.weight') });
    return { model, method, assumptions };
  }
  return { model, method: methodSchema.parse({ name: 'mae', decoderWidth, decoderHeads, decoderDepth: depthOf(state, 'decoder_blocks') }), assumptions };
}
