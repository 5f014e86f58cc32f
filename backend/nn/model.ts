/** The backbone's configuration: a named Vision Transformer or its dimensions one by one (Dosovitskiy et al., 2021, table 1). */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { InputError } from '../errors.ts';

/** Width, depth and heads of the named backbones; `vit_nano` is for a CPU and minutes. */
export const architectures = {
  vit_nano: { width: 128, depth: 6, heads: 4 },
  vit_tiny: { width: 192, depth: 12, heads: 3 },
  vit_small: { width: 384, depth: 12, heads: 6 },
  vit_base: { width: 768, depth: 12, heads: 12 },
  vit_large: { width: 1024, depth: 24, heads: 16 },
} as const;

const size = z.int().positive();

const notes: Record<keyof typeof architectures, string> = { vit_nano: 'for a CPU and minutes', vit_tiny: 'about 5 million parameters', vit_small: 'about 22 million parameters', vit_base: 'about 86 million parameters, the paper\'s', vit_large: 'about 304 million parameters, for several large GPUs' };
const meanings = Object.fromEntries(Object.entries(architectures).map(([name, { width, depth, heads }]) => [name, `Width ${width}, depth ${depth}, ${heads} heads: ${notes[name as keyof typeof architectures]}.`])) as typeof notes;

export const modelSchema = z.strictObject({
  arch: choice(meanings).default('vit_small').describe('The Vision Transformer: sets width, depth and heads, unless they are given.'),
  imageSize: size.max(2048).default(224).describe('Side of the square views, in pixels. Cost grows with its square.'),
  patchSize: size.max(256).default(16).describe('Side of a patch, in pixels; divides imageSize. Smaller patches are more tokens: finer, and slower.'),
  width: size.max(8192).optional().describe('Width of a token, a multiple of heads and of 4; left out: the architecture\'s.'),
  depth: size.max(256).optional().describe('Blocks of the encoder; left out: the architecture\'s.'),
  heads: size.max(256).optional().describe('Attention heads; left out: the architecture\'s.'),
  layerScale: z.number().positive().nullable().default(null).describe('Initial value of the learned scale of each residual branch (CaiT); null: none.'),
  dropPath: z.number().min(0).lt(1).default(0).describe('Stochastic depth: chance that a sample leaves out a residual branch of the last block, less for earlier ones; online branch only.'),
  layerNormEps: z.number().positive().default(1e-6).describe('Added to the variance in layer norms.'),
}).describe('The backbone.');

export type ModelConfig = z.infer<typeof modelSchema>;

/** Every dimension of the backbone, with the patch grid. */
export interface ModelDimensions {
  width: number;
  depth: number;
  heads: number;
  imageSize: number;
  patchSize: number;
  /** Patches a side. */
  grid: number;
  /** Patches an image, grid * grid. */
  patches: number;
}

/** Fills in the architecture's dimensions. Throws InputError where they do not divide. */
export function modelDimensions(config: ModelConfig): ModelDimensions {
  const named = architectures[config.arch];
  const { width = named.width, depth = named.depth, heads = named.heads, imageSize, patchSize } = config;
  if (imageSize % patchSize !== 0) throw new InputError(`model.imageSize ${imageSize} is not a multiple of model.patchSize ${patchSize}: choose ${Math.max(1, Math.round(imageSize / patchSize)) * patchSize}`);
  if (width % heads !== 0) throw new InputError(`model.width ${width} is not a multiple of model.heads ${heads}`);
  if (width % 4 !== 0) throw new InputError(`model.width ${width} is not a multiple of 4, which the 2-d sin-cos position embedding needs`);
  const grid = imageSize / patchSize;
  return { width, depth, heads, imageSize, patchSize, grid, patches: grid * grid };
}
