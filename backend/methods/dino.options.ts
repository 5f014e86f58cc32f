/** DINO's and iBOT's own parts of a run file, with the papers' defaults (Caron et al., ICCV 2021; Zhou et al., ICLR 2022). */
import { z } from 'zod';
import { choice } from '../choice.ts';
import { minBlock } from './minBlock.ts';
import { solarize } from './solarize.ts';

const area = z.tuple([z.number().positive().max(1), z.number().positive().max(1)]);
const temperatures = z.tuple([z.number().positive(), z.number().positive()]);

/** What both share: a teacher's class token, by crops of two sizes. */
const distillation = {
  globalScale: area.describe('Least and greatest area of the two global crops, as a share of the image.'),
  localCrops: z.int().min(0).max(64).describe('Small crops of an image, seen by the student alone; 0: none.'),
  localSize: z.int().positive().max(2048).default(96).describe('Side of the local crops in pixels, a multiple of model.patchSize.'),
  localScale: area.describe('Least and greatest area of the local crops, as a share of the image.'),
  solarize,
  hiddenWidth: z.int().positive().default(2048).describe('Width of the head\'s hidden layers.'),
  bottleneckWidth: z.int().positive().default(256).describe('Width of the unit vectors before the last layer.'),
  normLastLayer: z.boolean().describe('Keep the rows of the last layer at unit length: steadier, sometimes less accurate.'),
  freezeLastLayer: z.number().min(0).default(1).describe('Epochs in which the last layer is not trained, which steadies the start.'),
  studentTemperature: z.number().positive().default(0.1).describe('Temperature of the student\'s softmax.'),
  temperatureWarmupEpochs: z.int().min(0).describe('Epochs in which the teacher\'s temperatures go from their first to their last value.'),
  centerMomentum: z.number().min(0).lt(1).default(0.9).describe('Momentum of the centre that is taken off the teacher\'s outputs, against collapse to one of them.'),
  momentum: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]).default([0.996, 1]).describe('Momentum of the teacher at the first and last step; a cosine between.'),
};

export const dinoSchema = z.strictObject({
  name: z.literal('dino').describe('DINO (Caron et al., ICCV 2021): the student\'s class token of every crop is to tell what the teacher\'s tells of the global ones.'),
  outputs: z.int().min(2).default(65536).describe('Outputs of the head: the number of clusters, so to speak. Fewer for small data.'),
  ...distillation,
  globalScale: distillation.globalScale.default([0.4, 1]),
  localCrops: distillation.localCrops.default(8),
  localScale: distillation.localScale.default([0.05, 0.4]),
  normLastLayer: distillation.normLastLayer.default(true),
  temperatureWarmupEpochs: distillation.temperatureWarmupEpochs.default(0),
  teacherTemperature: temperatures.default([0.04, 0.04]).describe('First and last temperature of the teacher\'s softmax; lower ones sharpen it.'),
}).describe('DINO (Caron et al., ICCV 2021).');

export const ibotSchema = z.strictObject({
  name: z.literal('ibot').describe('iBOT (Zhou et al., ICLR 2022): DINO, and the teacher\'s output for every masked patch of the student\'s own view.'),
  outputs: z.int().min(2).default(8192).describe('Outputs of the head, for class token and patches alike.'),
  ...distillation,
  globalScale: distillation.globalScale.default([0.25, 1]),
  localCrops: distillation.localCrops.default(10),
  localScale: distillation.localScale.default([0.05, 0.25]),
  normLastLayer: distillation.normLastLayer.default(false),
  temperatureWarmupEpochs: distillation.temperatureWarmupEpochs.default(30),
  teacherTemperature: temperatures.default([0.04, 0.07]).describe('First and last temperature of the teacher\'s softmax on class tokens.'),
  patchTemperature: temperatures.default([0.04, 0.07]).describe('First and last temperature of the teacher\'s softmax on patches.'),
  sharedHead: z.boolean().default(true).describe('The student\'s class token and patches share the last layer, as in the paper\'s recipe; the teacher\'s always do.'),
  mask: choice({ block: 'Rectangles of `minBlock` patches or more.', random: 'Single patches, drawn evenly.' }).default('block').describe('How patches of the student\'s global crops are masked.'),
  maskShares: z.array(z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)])).min(1).default([[0, 0], [0.1, 0.5]]).describe('Each global crop draws one of these ranges, and from it the share of its patches that is masked.'),
  minBlock,
  classWeight: z.number().min(0).default(1).describe('Weight of the class tokens\' loss.'),
  patchWeight: z.number().min(0).default(1).describe('Weight of the masked patches\' loss.'),
  patchCenterMomentum: z.number().min(0).lt(1).default(0.9).describe('As centerMomentum, of the patches\' centre.'),
}).describe('iBOT (Zhou et al., ICLR 2022).');

export type DinoOptions = z.infer<typeof dinoSchema>;
export type IbotOptions = z.infer<typeof ibotSchema>;
