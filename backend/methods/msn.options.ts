/** Masked Siamese Networks' own part of a run file, with the paper's defaults (Assran et al., ECCV 2022). */
import { z } from 'zod';

const area = z.tuple([z.number().positive().max(1), z.number().positive().max(1)]);

export const msnSchema = z.strictObject({
  name: z.literal('msn').describe('Masked Siamese Networks (Assran et al., ECCV 2022): a masked view is to be assigned to the same prototypes as the whole other view.'),
  prototypes: z.int().min(2).default(1024).describe('Learned prototypes that views are assigned to.'),
  hiddenWidth: z.int().positive().default(2048).describe('Width of the head\'s hidden layers.'),
  outputWidth: z.int().positive().default(256).describe('Width of the vectors that are compared with prototypes.'),
  anchorViews: z.int().min(1).max(16).default(1).describe('Masked views of an image.'),
  patchDrop: z.number().min(0).lt(1).default(0.15).describe('Share of an anchor view\'s patches that is dropped, the same places in the whole batch.'),
  focalViews: z.int().min(0).max(64).default(10).describe('Small crops of an image, not masked; 0: none.'),
  focalSize: z.int().positive().max(2048).default(96).describe('Side of the focal views in pixels, a multiple of model.patchSize.'),
  scale: area.default([0.3, 1]).describe('Least and greatest area of target and anchor views, as a share of the image.'),
  focalScale: area.default([0.05, 0.3]).describe('Least and greatest area of the focal views.'),
  temperature: z.number().positive().default(0.1).describe('Temperature of the assignment to prototypes.'),
  sharpening: z.number().positive().max(1).default(0.25).describe('Temperature by which targets are sharpened further.'),
  sinkhornRounds: z.int().min(0).max(100).default(3).describe('Rounds of Sinkhorn\'s normalisation, which spreads the batch\'s targets over all prototypes; 0: none.'),
  spreadWeight: z.number().min(0).default(1).describe('Weight of the term that spreads the mean assignment over all prototypes (ME-MAX).'),
  entropyWeight: z.number().min(0).default(0).describe('Weight of the entropy of each assignment.'),
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.996, 0.9992]).describe('Momentum of the target branch at the first and last step; a straight line between.'),
}).describe('Masked Siamese Networks (Assran et al., ECCV 2022).');

export type MsnOptions = z.infer<typeof msnSchema>;
