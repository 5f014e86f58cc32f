/** Takes the encoder out of a checkpoint, as a file that timm's VisionTransformer, Beit or ResNet loads without a change. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { writeAtomically } from '../formats/atomic.ts';
import { openTensorFile, writeSafetensors } from '../formats/tensorFile.ts';
import type { TensorInfo } from '../formats/tensorFile.ts';
import { findEncoders, isResnetEncoder, type EncoderTensors } from '../methods/officialEncoders.ts';
import { modelDimensions, modelSchema } from '../nn/model.ts';
import { gridOfTable, relativeTable, sharedBias } from '../nn/relativeBias.ts';
import { exportedResnet } from './exportResnet.ts';

export interface ExportOptions {
  /** The online encoder, or the target: its moving average, where the method has one. */
  branch: 'online' | 'target';
  /** Attention heads, which weights do not show; default: those of the run's config.json where there is one. */
  heads?: number;
}

export interface TransformerArchitecture {
  /** Which class of timm's it is of: BEiT's encoder has no bias for keys and may have relative positions. */
  family: 'vit' | 'beit';
  width: number;
  depth: number;
  /** null where neither the caller nor a run's config says. */
  heads: number | null;
  mlpRatio: number;
  patchSize: number;
  imageSize: number;
  layerScale: boolean;
  /** An embedding for each place, or BEiT's bias on attention for each offset, of each block or shared by all. */
  positions: 'absolute' | 'relative' | 'relative-shared';
  /** Whether a layer norm follows the last block. SiameseIM has none. */
  finalNorm: boolean;
  /** Whether the norm is that of the patch tokens' mean (supervised training), not of every token. */
  meanPooled: boolean;
}

/** A ResNet of bottleneck blocks. */
export interface ResidualArchitecture {
  /** Of each stage. */
  blocks: number[];
  /** Channels of the stem. */
  baseWidth: number;
}

export type BackboneArchitecture = TransformerArchitecture | ResidualArchitecture;

/** What is written of an encoder, and how timm makes the model. */
export interface ExportedEncoder {
  /** Tensors of the file by timm's names. */
  tensors: Map<string, TensorInfo>;
  architecture: BackboneArchitecture;
  timmModel: string;
  timmArguments: Record<string, unknown>;
  warnings: string[];
}

export interface ExportResult {
  output: string;
  tensors: number;
  bytes: number;
  sha256: string;
  architecture: BackboneArchitecture;
  timmModel: string;
  /** What `timm.create_model(timmModel, **arguments)` needs for a model with identical features. */
  timmArguments: Record<string, unknown>;
  warnings: string[];
}

type Shapes = Readonly<Record<string, readonly ('D' | '3D' | 'H' | 'R' | 'A')[]>>;

/** A block's tensors by timm's names, with their shapes for width D and hidden width H; a table of positions has R rows for A heads. */
const blockShapes: Shapes = {
  'norm1.weight': ['D'], 'norm1.bias': ['D'],
  'attn.qkv.weight': ['3D', 'D'], 'attn.proj.weight': ['D', 'D'], 'attn.proj.bias': ['D'],
  'norm2.weight': ['D'], 'norm2.bias': ['D'],
  'mlp.fc1.weight': ['H', 'D'], 'mlp.fc1.bias': ['H'], 'mlp.fc2.weight': ['D', 'H'], 'mlp.fc2.bias': ['D'],
};

/** What timm's two classes have each for themselves. */
const families: Record<TransformerArchitecture['family'], { model: string; biases: Shapes; layerScale: readonly [string, string] }> = {
  vit: { model: 'vit_base_patch16_224', biases: { 'attn.qkv.bias': ['3D'] }, layerScale: ['ls1.gamma', 'ls2.gamma'] },
  beit: { model: 'beit_base_patch16_224', biases: { 'attn.q_bias': ['D'], 'attn.v_bias': ['D'] }, layerScale: ['gamma_1', 'gamma_2'] },
};

/** Images are normalised by these before the encoder (ImageNet's mean and deviation of RGB in [0, 1]). */
const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const timmEps = 1e-6;

/**
 * Writes the encoder of a checkpoint of any method (.pth or .safetensors, ours or the official code's) to `output` as safetensors, under timm's
 * names and in the checkpoint's own element types; its metadata says how timm makes the model.
 * Throws InputError where the checkpoint holds no such encoder.
 */
export async function exportBackbone(input: string, output: string, options: ExportOptions): Promise<ExportResult> {
  if (resolve(input) === resolve(output)) throw new InputError(`${output} is the checkpoint itself: give another file to write`);
  const file = await openTensorFile(input);
  try {
    const branches = findEncoders(file)?.branches;
    if (!branches) throw new InputError(`${input} has no tensor cls_token and no layer1.0.conv1.weight: it is no checkpoint of a known method with a Vision Transformer or ResNet encoder`);
    const chosen = branches[options.branch] ?? (options.branch === 'online' ? branches.target : undefined);
    if (!chosen) throw new InputError(`${input} has no target branch: export the online one`);
    const { tensors: found, architecture, timmModel, timmArguments, warnings } = isResnetEncoder(chosen) ? exportedResnet(input, chosen) : await exportedTransformer(input, chosen, options.heads);
    if (!branches[options.branch]) warnings.unshift('the file holds the target branch alone: that is what was exported');
    const metadata = {
      format: 'pt',
      branch: options.branch,
      architecture: JSON.stringify(architecture),
      normalisation: JSON.stringify(normalisation),
      timm_model: timmModel,
      timm_arguments: JSON.stringify(timmArguments),
    };
    const tensors = [...found].map(([name, from]) => ({ name, dtype: from.dtype, shape: from.shape, data: () => file.read(from.name) }));
    const { sha256, bytes } = await writeAtomically(output, (temporary) => writeSafetensors(temporary, tensors, metadata));
    return { output, tensors: tensors.length, bytes, sha256, architecture, timmModel, timmArguments, warnings };
  } finally {
    await file.close();
  }
}

async function exportedTransformer(input: string, chosen: EncoderTensors, givenHeads: number | undefined): Promise<ExportedEncoder> {
  const { tensors, ...shape } = encoderOf(input, chosen);
  const run = await runModel(input, shape.width);
  const heads = givenHeads ?? shape.heads ?? run?.heads ?? null;
  if (heads !== null && (!Number.isInteger(heads) || heads < 1 || shape.width % heads !== 0)) throw new InputError(`${heads} heads do not divide the encoder's width of ${shape.width}`);
  if (shape.heads !== null && heads !== shape.heads) throw new InputError(`${input} has relative positions of ${shape.heads} heads, and cannot be exported with ${heads}`);
  const architecture = { ...shape, heads };
  const warnings: string[] = [];
  if (heads === null) warnings.push('the number of attention heads is unknown: give timm the right num_heads, or export again with it');
  if (run && run.eps !== timmEps) warnings.push(`the layer norms were trained with epsilon ${run.eps}, while timm uses ${timmEps}: set it on the model's norms`);
  return { tensors, architecture, timmModel: families[shape.family].model, timmArguments: timmArgumentsOf(architecture), warnings };
}

interface Encoder extends TransformerArchitecture {
  /** Tensors of the file by timm's names. */
  tensors: Map<string, TensorInfo>;
}

/** One branch's encoder among the checkpoint's tensors: every tensor there, and of the shape that the others imply. */
function encoderOf(path: string, all: EncoderTensors): Encoder {
  const tensors = new Map<string, TensorInfo>();
  const take = (name: string): number[] => {
    const tensor = all.get(name);
    if (!tensor) throw new InputError(`${path} has no tensor ${name} in this branch: its encoder is not whole`);
    tensors.set(name, tensor);
    return tensor.shape;
  };
  const takeAs = (name: string, expected: number[]): void => {
    const shape = take(name);
    if (shape.length !== expected.length || shape.some((size, d) => size !== expected[d])) throw new InputError(`${path}: tensor ${tensors.get(name)!.name} has the shape [${shape.join(', ')}] instead of [${expected.join(', ')}]`);
  };
  const family = all.has('blocks.0.attn.q_bias') ? 'beit' : 'vit', { biases, layerScale: gammas } = families[family];
  const width = take('cls_token').at(-1) ?? 0;
  const shared = `${sharedBias}.${relativeTable}`, ofBlock = `blocks.0.attn.${relativeTable}`;
  const positions = all.has(shared) ? 'relative-shared' : all.has(ofBlock) ? 'relative' : 'absolute';
  const patchSize = take('patch_embed.proj.weight').at(-1) ?? 0;
  const { grid, heads } = positions !== 'absolute' ? offsetsOf(path, take(positions === 'relative' ? ofBlock : shared)) : { grid: squareOf(path, take('pos_embed')[1] ?? 0), heads: null };
  takeAs('cls_token', [1, 1, width]);
  takeAs('patch_embed.proj.weight', [width, 3, patchSize, patchSize]);
  takeAs('patch_embed.proj.bias', [width]);

  const hidden = all.get(`blocks.0.mlp.fc1.weight`)?.shape[0] ?? 0;
  const layerScale = all.has(`blocks.0.${gammas[0]}`);
  const block: Shapes = { ...blockShapes, ...biases, ...(layerScale && Object.fromEntries(gammas.map((name) => [name, ['D'] as const]))), ...(positions === 'relative' && { [`attn.${relativeTable}`]: ['R', 'A'] }) };
  const sizes = { D: width, '3D': 3 * width, H: hidden, R: (2 * grid - 1) ** 2 + 3, A: heads ?? 0 };
  let depth = 0;
  do {
    for (const [name, shape] of Object.entries(block)) takeAs(`blocks.${depth}.${name}`, shape.map((size) => sizes[size]));
    depth++;
  } while (all.has(`blocks.${depth}.norm1.weight`));

  const meanPooled = all.has('fc_norm.weight'), norm = meanPooled ? 'fc_norm' : 'norm';
  const finalNorm = all.has(`${norm}.weight`);
  if (finalNorm) for (const name of ['weight', 'bias']) takeAs(`${norm}.${name}`, [width]);
  return { tensors, family, width, depth, heads, mlpRatio: hidden / width, patchSize, imageSize: grid * patchSize, layerScale, positions, finalNorm, meanPooled };
}

/** Patches a side, where a class token and a square of patches have a position each. */
function squareOf(path: string, positions: number): number {
  const grid = Math.round(Math.sqrt(positions - 1));
  if (grid < 1 || grid * grid + 1 !== positions) throw new InputError(`${path}: pos_embed has ${positions} positions, which are not a class token and a square of patches`);
  return grid;
}

/** Patches a side and heads of relative positions: a row for each offset within the square and three for the class token. */
function offsetsOf(path: string, [offsets = 0, heads = 0]: readonly number[]): { grid: number; heads: number } {
  const grid = gridOfTable(offsets);
  if (!Number.isInteger(grid)) throw new InputError(`${path}: ${relativeTable} has ${offsets} rows, which are not the offsets of a square of patches and three more`);
  return { grid, heads };
}

/** Arguments of timm's class; its defaults (biases, exact GELU, learned positions with the class token) are ours. */
function timmArgumentsOf({ family, width, depth, heads, mlpRatio, patchSize, imageSize, layerScale, positions, finalNorm, meanPooled }: TransformerArchitecture): Record<string, unknown> {
  return {
    img_size: imageSize, patch_size: patchSize, embed_dim: width, depth, ...(heads === null ? {} : { num_heads: heads }), mlp_ratio: mlpRatio,
    // The value does not matter: the loaded gammas replace it. Beit's named model has one, and 0 is none.
    ...(layerScale ? { init_values: 1 } : family === 'beit' ? { init_values: 0 } : {}),
    ...(family === 'vit' ? { final_norm: finalNorm } : { use_abs_pos_emb: positions === 'absolute', use_rel_pos_bias: positions === 'relative', use_shared_rel_pos_bias: positions === 'relative-shared' }),
    num_classes: 0, global_pool: meanPooled ? 'avg' : 'token',
  };
}

/** Heads and norm epsilon by the run's config.json, beside the checkpoint or up to two folders above it; null without one that fits. */
async function runModel(checkpoint: string, width: number): Promise<{ heads: number; eps: number } | null> {
  const folder = dirname(resolve(checkpoint));
  for (const candidate of [folder, dirname(folder), dirname(dirname(folder))]) {
    const text = await readFile(join(candidate, 'config.json'), 'utf8').catch(() => null);
    const model = text === null ? null : modelSchema.safeParse(modelSection(text)).data;
    if (!model) continue;
    const dimensions = modelDimensions(model);
    if (dimensions.kind === 'transformer' && dimensions.width === width) return { heads: dimensions.heads, eps: model.layerNormEps };
  }
  return null;
}

function modelSection(text: string): unknown {
  try {
    const config: unknown = JSON.parse(text);
    return typeof config === 'object' && config !== null && 'model' in config ? config.model : null;
  } catch {
    return null;
  }
}
