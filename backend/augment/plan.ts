/** What views a sample gets, as data: the crop, the ops and the mask of each, checked once where a run file is read. */
import { z } from 'zod';

const probability = z.number().min(0).max(1);
const p = probability.describe('Probability that it is applied.');

export const opSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('horizontalFlip'), p }),
  z.strictObject({
    op: z.literal('colorJitter'), p,
    brightness: z.number().min(0), contrast: z.number().min(0), saturation: z.number().min(0),
    hue: z.number().min(0).max(0.5),
  }),
  z.strictObject({ op: z.literal('grayscale'), p }),
  z.strictObject({ op: z.literal('gaussianBlur'), p, sigma: z.tuple([z.number().min(0), z.number().min(0).max(100)]) }),
  z.strictObject({ op: z.literal('solarize'), p, threshold: z.int().min(0).max(256) }),
]);

export const maskSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('random'), count: z.int().min(0).describe('Masked patches, exactly.') }),
  z.strictObject({
    kind: z.literal('block'),
    count: z.int().min(0).describe('Masked patches, exactly.'),
    minBlock: z.int().positive().default(16).describe('Fewest patches of a block.'),
    aspect: z.tuple([z.number().positive(), z.number().positive()]).default([0.3, 1 / 0.3]).describe('Least and greatest height / width of a block; drawn evenly in its logarithm.'),
  }),
]);

export const cropSchema = z.strictObject({
  scale: z.tuple([z.number().positive().max(1), z.number().positive().max(1)]).describe('Least and greatest area of the crop, as a share of the image.'),
  ratio: z.tuple([z.number().positive(), z.number().positive()]).describe('Least and greatest width / height of the crop; drawn evenly in its logarithm.'),
  interpolation: z.enum(['bicubic', 'bilinear']).describe('How the crop is resized, antialiased.'),
});

export const viewSchema = z.strictObject({
  name: z.string().min(1).describe('The name that the method knows this view by.'),
  size: z.int().positive().max(2048).describe('Side of the view, in pixels.'),
  crop: cropSchema,
  ops: z.array(opSchema).describe('In this order; a flip comes before the crop wherever it is listed.'),
  mask: maskSchema.nullable(),
  count: z.int().positive().max(64).optional().describe('How many such views a sample gets; default 1.'),
});

export const viewPlanSchema = z.strictObject({
  views: z.array(viewSchema).min(1),
  patchSize: z.int().positive().max(256),
  sameCrop: z.boolean().optional().describe('All views share one crop and flip.'),
});

export type OpSpec = z.infer<typeof opSchema>;
export type MaskSpec = z.infer<typeof maskSchema>;
export type ViewSpec = z.infer<typeof viewSchema>;
export type ViewPlan = z.infer<typeof viewPlanSchema>;
