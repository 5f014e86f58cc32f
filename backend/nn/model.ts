/** The backbone's configuration: a named Vision Transformer or its dimensions one by one (Dosovitskiy et al., 2021, table 1). */
import { z } from 'zod';
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

export const modelSchema = z.strictObject({
  arch: z.enum(Object.keys(architectures) as [keyof typeof architectures]).default('vit_small').describe('Backbone: sets width, depth and heads.'),
  imageSize: size.max(2048).default(224).describe('Side of the square views, in pixels.'),
  patchSize: size.max(256).default(16).describe('Side of a patch, in pixels; divides imageSize.'),
  width: size.max(8192).optional().describe('Token width D; default: the architecture\'s.'),
  depth: size.max(256).optional().describe('Encoder blocks; default: the architecture\'s.'),
  heads: size.max(256).optional().describe('Attention heads; default: the architecture\'s.'),
  layerScale: z.number().positive().nullable().default(null).describe('Initial value of the learned scale of each residual branch (CaiT); null: none.'),
  layerNormEps: z.number().positive().default(1e-6).describe('Epsilon of the layer norms.'),
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
