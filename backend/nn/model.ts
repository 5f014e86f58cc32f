/** The backbone's configuration: a Vision Transformer (Dosovitskiy et al., 2021, table 1) or a ResNet (He et al., 2016), by name or by its dimensions one by one. */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { InputError } from '../errors.ts';

/** Width, depth and heads of the named Vision Transformers; `vit_nano` is for a CPU and minutes. */
const transformers = {
  vit_nano: { width: 128, depth: 6, heads: 4 },
  vit_tiny: { width: 192, depth: 12, heads: 3 },
  vit_small: { width: 384, depth: 12, heads: 6 },
  vit_base: { width: 768, depth: 12, heads: 12 },
  vit_large: { width: 1024, depth: 24, heads: 16 },
} as const;

/** Blocks a stage and width of the stem of the named ResNets. */
const residualNetworks = {
  resnet_nano: { blocks: [1, 1, 1], baseWidth: 16 },
  resnet50: { blocks: [3, 4, 6, 3], baseWidth: 64 },
} as const;

export type TransformerName = keyof typeof transformers;
export type ResidualNetworkName = keyof typeof residualNetworks;
export const architectureNames = [...Object.keys(transformers), ...Object.keys(residualNetworks)] as (TransformerName | ResidualNetworkName)[];

const isResidualName = (arch: string): arch is ResidualNetworkName => arch in residualNetworks;
export const isResidual = ({ arch }: Pick<ModelConfig, 'arch'>): boolean => isResidualName(arch);

/** What the last stage's channels are to its block's inner ones. */
export const expansion = 4;

const size = z.int().positive();

const sizes: Record<TransformerName | ResidualNetworkName, string> = { vit_nano: 'for a CPU and minutes', vit_tiny: 'about 5 million parameters', vit_small: 'about 22 million parameters', vit_base: 'about 86 million parameters, the paper\'s', vit_large: 'about 304 million parameters, for several large GPUs', resnet_nano: 'for a CPU and minutes', resnet50: 'about 24 million parameters, DenseCL\'s own' };
const meanings = Object.fromEntries([
  ...Object.entries(transformers).map(([name, { width, depth, heads }]) => [name, `Vision Transformer of width ${width}, depth ${depth}, ${heads} heads: ${sizes[name as TransformerName]}.`]),
  ...Object.entries(residualNetworks).map(([name, { blocks, baseWidth }]) => [name, `ResNet of ${blocks.join(', ')} bottleneck blocks, stem of width ${baseWidth}: ${sizes[name as ResidualNetworkName]}. For DenseCL alone.`]),
]) as typeof sizes;

const modelKeys = z.strictObject({
  arch: choice(meanings).default('vit_small').describe('The Vision Transformer or ResNet: sets the dimensions that are not given.'),
  imageSize: size.max(2048).default(224).describe('Side of the square views, in pixels. Cost grows with its square.'),
  patchSize: size.max(256).optional().describe('Side of a patch, in pixels; divides imageSize. Smaller patches are more tokens: finer, and slower. Left out: 16; a ResNet\'s is its stride, 32 for four stages.'),
  width: size.max(8192).optional().describe('Vision Transformers: width of a token, a multiple of heads and of 4; left out: the architecture\'s.'),
  depth: size.max(256).optional().describe('Vision Transformers: blocks of the encoder; left out: the architecture\'s.'),
  heads: size.max(256).optional().describe('Vision Transformers: attention heads; left out: the architecture\'s.'),
  blocks: z.array(size.max(256)).min(1).max(4).optional().describe('ResNets: bottleneck blocks of each stage, each stage after the first at half the resolution; left out: the architecture\'s.'),
  baseWidth: size.max(1024).optional().describe('ResNets: channels of the stem; the last of four stages has 32 times as many. Left out: the architecture\'s.'),
  layerScale: z.number().positive().nullable().default(null).describe('Vision Transformers: initial value of the learned scale of each residual branch (CaiT); null: none.'),
  dropPath: z.number().min(0).lt(1).default(0).describe('Vision Transformers: stochastic depth, the chance that a sample leaves out a residual branch of the last block, less for earlier ones; online branch only.'),
  layerNormEps: z.number().positive().default(1e-6).describe('Vision Transformers: added to the variance in layer norms.'),
});

/** Pixels between neighbouring features: the stem's 4, twice as many for each further stage. */
const strideOf = (blocks: readonly number[]): number => 2 ** (blocks.length + 1);

const stagesOf = ({ arch, blocks }: { arch: string; blocks?: number[] | undefined }): readonly number[] | null => (isResidualName(arch) ? (blocks ?? residualNetworks[arch].blocks) : null);

export const modelSchema = modelKeys
  .transform((keys) => {
    const stages = stagesOf(keys);
    return { ...keys, patchSize: keys.patchSize ?? (stages ? strideOf(stages) : 16) };
  })
  .describe('The backbone.');

export type ModelConfig = z.infer<typeof modelSchema>;

/** What every backbone has: features on a square grid. */
interface FeatureGrid {
  /** Width of a feature. */
  width: number;
  /** Blocks whose output is such a grid: all of a Vision Transformer, of a ResNet the last stage. */
  depth: number;
  imageSize: number;
  /** Pixels between neighbouring features. */
  patchSize: number;
  /** Patches a side. */
  grid: number;
  /** Patches an image, grid * grid. */
  patches: number;
}

export interface TransformerDimensions extends FeatureGrid {
  kind: 'transformer';
  heads: number;
}

export interface ResidualDimensions extends FeatureGrid {
  kind: 'residual';
  /** Bottleneck blocks of each stage. */
  blocks: readonly number[];
  baseWidth: number;
}

/** Fills in the architecture's dimensions. Throws InputError where they do not divide, and for keys of the other kind of backbone. */
export function modelDimensions(config: ModelConfig): TransformerDimensions | ResidualDimensions {
  const { arch, imageSize, patchSize } = config;
  const foreign = (keys: (keyof ModelConfig)[], kind: string): void => {
    const key = keys.find((name) => config[name] !== undefined && config[name] !== null && config[name] !== 0);
    if (key !== undefined) throw new InputError(`model.${key} is a key of ${kind}, which model.arch "${arch}" is not: remove it, or choose another model.arch`);
  };
  if (isResidualName(arch)) {
    foreign(['width', 'depth', 'heads', 'layerScale', 'dropPath'], 'Vision Transformers');
    const { blocks = residualNetworks[arch].blocks, baseWidth = residualNetworks[arch].baseWidth } = config;
    const stride = strideOf(blocks);
    if (patchSize !== stride) throw new InputError(`model.patchSize ${patchSize} is not the stride of a ResNet with ${blocks.length} stages: remove it, or set it to ${stride}`);
    return { kind: 'residual', blocks, baseWidth, width: baseWidth * 2 ** (blocks.length - 1) * expansion, depth: 1, ...gridOf(imageSize, patchSize) };
  }
  foreign(['blocks', 'baseWidth'], 'ResNets');
  const named = transformers[arch];
  const { width = named.width, depth = named.depth, heads = named.heads } = config;
  const grid = gridOf(imageSize, patchSize);
  if (width % heads !== 0) throw new InputError(`model.width ${width} is not a multiple of model.heads ${heads}`);
  if (width % 4 !== 0) throw new InputError(`model.width ${width} is not a multiple of 4, which the 2-d sin-cos position embedding needs`);
  return { kind: 'transformer', width, depth, heads, ...grid };
}

function gridOf(imageSize: number, patchSize: number): Pick<FeatureGrid, 'imageSize' | 'patchSize' | 'grid' | 'patches'> {
  if (imageSize % patchSize !== 0) throw new InputError(`model.imageSize ${imageSize} is not a multiple of model.patchSize ${patchSize}: choose ${Math.max(1, Math.round(imageSize / patchSize)) * patchSize}`);
  const grid = imageSize / patchSize;
  return { imageSize, patchSize, grid, patches: grid * grid };
}

/** As `modelDimensions`, for what works on tokens. Throws InputError for a ResNet. */
export function transformerDimensions(config: ModelConfig): TransformerDimensions {
  const dimensions = modelDimensions(config);
  if (dimensions.kind !== 'transformer') throw new InputError(`this needs the tokens of a Vision Transformer, and model.arch "${config.arch}" is a ResNet: choose another model.arch, such as "vit_small"`);
  return dimensions;
}
