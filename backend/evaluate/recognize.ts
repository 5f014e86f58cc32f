/** What a checkpoint without a run is a model of: the method by its tensors' names, the dimensions by their shapes. */
import { InputError } from '../errors.ts';
import { modelStateDict, type StateDict } from '../formats/stateDict.ts';
import type { TensorFile } from '../formats/tensorFile.ts';
import { bareName } from '../methods/checkpointNames.ts';
import { findEncoders, isResnetEncoder, type EncoderTensors, type FoundEncoders } from '../methods/officialEncoders.ts';
import { methodSchema, type MethodConfig } from '../methods/registry.ts';
import { modelSchema, type ModelConfig } from '../nn/model.ts';
import { gridOfTable, relativeTable, sharedBias } from '../nn/relativeBias.ts';

export interface Recognized {
  model: ModelConfig;
  method: MethodConfig;
  /** What weights do not show, and was assumed. */
  assumptions: string[];
  /** Where the encoders alone are of use; null: the whole model can be loaded. */
  encoders: FoundEncoders | null;
}

/** Where the classifier is left out with all that is not the encoder's, any number will do. */
const unusedClasses = 2;

/** How slowly a moving average of weights moves is not in a file; nothing but training needs it. */
const publishedAverage = 0.9999;

/** Width of a head in every published ViT from tiny to large. */
const headWidth = 64;
const publishedDecoderHeads = 16;

/** Blocks `PREFIX.0`, `PREFIX.1`, ... that are there. */
function depthOf({ tensors }: StateDict, prefix: string): number {
  let depth = 0;
  while (tensors.has(`${prefix}.${depth}.attn.qkv.weight`)) depth++;
  return depth;
}

/** Throws InputError where there is no Vision Transformer or ResNet of a method that is known. `heads` of the encoder are not in the weights. */
export function recognizeModel(file: TensorFile, heads?: number): Recognized {
  const state = modelStateDict(file);
  return state.tensors.has('cls_token') && state.tensors.has('decoder_embed.weight') ? wholeModel(file, state, heads) : encodersAlone(file, heads);
}

/** Number of heads of an encoder, which weights do not show. */
function headsOf(file: TensorFile, width: number, published: number, given: number | undefined, assumptions: string[]): number {
  const count = given ?? published;
  if (width % count !== 0) throw new InputError(`${file.path}: ${count} heads do not divide the encoder's width of ${width}: give their number with --heads`);
  if (given === undefined) assumptions.push(`${count} attention heads, ${width / count} wide as in every published one (give another number with --heads)`);
  return count;
}

/** MoCo-v3's ViT-S has twelve heads, where all others have six. */
const publishedHeads = (method: string | null, width: number): number => (method === 'mocov3' && width === 384 ? 12 : Math.max(1, Math.round(width / headWidth)));

/** What is needed of a checkpoint of any of the ten methods to look at its features. */
function encodersAlone(file: TensorFile, heads: number | undefined): Recognized {
  const found = findEncoders(file);
  const tensors = found?.branches.online ?? found?.branches.target;
  if (found && tensors && isResnetEncoder(tensors)) return resnetAlone(file, found, tensors);
  const shape = (name: string): number[] => {
    const tensor = tensors?.get(name);
    if (!tensor) throw new InputError(`${file.path} has no tensor ${name}: it is no checkpoint of a known method with a Vision Transformer encoder`);
    return tensor.shape;
  };
  const width = shape('cls_token').at(-1)!, patchSize = shape('patch_embed.proj.weight').at(-1)!;
  const assumptions: string[] = [];
  const table = [...tensors!].find(([name]) => name.endsWith(relativeTable));
  const isShared = table?.[0].startsWith(sharedBias);
  // Pre-training here shares its bias: a BEiT with one a block has the encoder of a fine-tuned one.
  const method = found!.method === 'beit' && table && !isShared ? 'supervised' : found!.method;
  if (method === null) assumptions.push('a bare encoder: what trained it is not in the file');
  if (!found!.branches.online) assumptions.push('the file holds the target branch alone');
  const [offsets = 0, tableHeads = 0] = table?.[1].shape ?? [];
  const grid = table ? gridOfTable(offsets) : Math.sqrt(shape('pos_embed')[1]! - 1);
  if (!Number.isInteger(grid)) throw new InputError(`${file.path}: its positions are those of no square of patches`);
  let depth = 0;
  while (tensors!.has(`blocks.${depth}.attn.qkv.weight`)) depth++;
  const scaled = tensors!.has('blocks.0.ls1.gamma') || tensors!.has('blocks.0.gamma_1');
  const model = modelSchema.parse({ arch: 'vit_base', width, depth, heads: headsOf(file, width, table ? tableHeads : publishedHeads(method, width), table ? (heads ?? tableHeads) : heads, assumptions), patchSize, imageSize: grid * patchSize, layerScale: scaled ? 1 : null });
  const pooling = tensors!.has('fc_norm.weight') ? 'mean' : 'class';
  const classifier = method === 'supervised' && (table ?? !scaled) ? classifierOf(file, pooling) : null;
  const own = method === 'beit' ? { positions: table ? 'relative' : 'learned' } : method === null || method === 'supervised' ? { pooling, classes: unusedClasses, positions: !table ? 'learned' : isShared ? 'relative-shared' : 'relative', ...classifier } : {};
  return { model, method: methodSchema.parse({ name: method ?? 'supervised', ...own }), assumptions, encoders: classifier ? null : found };
}

/** A classifier on the encoder that can be loaded whole: how many classes it has, and whether the file holds a moving average too. */
function classifierOf(file: TensorFile, pooling: 'mean' | 'class'): { classes: number; ema: number | null } | null {
  const tensors = new Map(file.tensors.map((tensor) => [bareName(tensor.name), tensor]));
  const weight = tensors.get('head.weight');
  const isWhole = ['head.bias', `${pooling === 'mean' ? 'fc_norm' : 'norm'}.weight`, `${pooling === 'mean' ? 'fc_norm' : 'norm'}.bias`].every((name) => tensors.has(name));
  return weight?.shape.length === 2 && weight.shape[0]! > 1 && isWhole ? { classes: weight.shape[0]!, ema: tensors.has('model_ema.head.weight') ? publishedAverage : null } : null;
}

/** What ResNet of bottleneck blocks an encoder is. Throws InputError where it is another kind of ResNet. */
export function resnetStages(path: string, tensors: EncoderTensors): { blocks: number[]; baseWidth: number } {
  const shapeOf = (name: string): number[] => tensors.get(name)?.shape ?? [];
  const blocks: number[] = [];
  while (tensors.has(`layer${blocks.length + 1}.0.conv1.weight`)) {
    let count = 0;
    while (tensors.has(`layer${blocks.length + 1}.${count}.conv1.weight`)) count++;
    blocks.push(count);
  }
  const baseWidth = shapeOf('conv1.weight')[0] ?? 0;
  // Wider or grouped inner convolutions, and blocks of two convolutions, are other networks by the same names.
  if (shapeOf('layer1.0.conv2.weight').join() !== [baseWidth, baseWidth, 3, 3].join() || !tensors.has('layer1.0.conv3.weight')) throw new InputError(`${path} is of a ResNet without bottleneck blocks, or a wider or grouped one: only ResNet-50 and its like (ResNet-101, ResNet-152) can be used`);
  return { blocks, baseWidth };
}

/** A ResNet whoever trained it: to look at its features DenseCL's model serves all. */
function resnetAlone(file: TensorFile, found: FoundEncoders, tensors: EncoderTensors): Recognized {
  const assumptions = ['images of 224 pixels, which a ResNet does not say'];
  if (found.method !== 'densecl') assumptions.push(found.method === 'supervised' ? 'a supervised ResNet; its classifier is left out' : 'a bare encoder: what trained it is not in the file');
  return { model: modelSchema.parse({ arch: 'resnet50', ...resnetStages(file.path, tensors) }), method: methodSchema.parse({ name: 'densecl' }), assumptions, encoders: found };
}

/** SiameseIM or MAE with all that belongs to it. */
function wholeModel(file: TensorFile, state: StateDict, heads: number | undefined): Recognized {
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
  const encoderHeads = headsOf(file, width, publishedHeads(null, width), heads, assumptions);
  const model = modelSchema.parse({ arch: 'vit_base', width, depth: depthOf(state, 'blocks'), heads: encoderHeads, patchSize, imageSize: grid * patchSize, layerScale: tensors.has('blocks.0.ls1.gamma') ? 1 : null });

  const decoderWidth = shape('decoder_embed.weight')[0]!;
  const decoderHeads = divides(publishedDecoderHeads, decoderWidth) ? publishedDecoderHeads : 1;
  assumptions.push(`${decoderHeads} heads in the decoder`);
  if (tensors.has('decoder_pos_mlp.weight')) {
    const normOf = (prefix: string): 'batch' | 'layer' => (tensors.has(`${prefix}.0.norm1.bn.weight`) ? 'batch' : 'layer');
    const projectorDepth = depthOf(state, 'projector_decoder_blocks');
    const target = tensors.has('mm_cls_token') ? {} : { target: 'pixel', loss: 'l2' };
    const method = methodSchema.parse({ name: 'siamese', ...target, decoderWidth, decoderHeads, projectorDepth, predictorDepth: depthOf(state, 'predictor_decoder_blocks'), predictorNorm: normOf('predictor_decoder_blocks'), projectorNorm: projectorDepth > 0 ? normOf('projector_decoder_blocks') : 'batch', onlineNorm: tensors.has('student_norm.weight') });
    return { model, method, assumptions, encoders: null };
  }
  return { model, method: methodSchema.parse({ name: 'mae', decoderWidth, decoderHeads, decoderDepth: depthOf(state, 'decoder_blocks') }), assumptions, encoders: null };
}
