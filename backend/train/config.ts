/**
 * The run file (`*.siam.json`): one schema that gives its types, its defaults, its documentation and its checks. What a file
 * leaves out comes from the preset it names, and after that from the schema.
 */
import { z } from 'zod';
import { checkPlan, viewPlanSchema, type ViewPlan } from '../augment/plan.ts';
import { choice } from '../choice.ts';
import { InputError } from '../errors.ts';
import { measureNames } from '../evaluate/measureNames.ts';
import { checkMasks } from '../methods/maskUse.ts';
import { methodSchema, recipeOf } from '../methods/recipes.ts';
import { isResidual, modelDimensions, modelSchema } from '../nn/model.ts';
import { optimizerSchema } from '../optim/schema.ts';

/** Becomes a folder's name, on every system: no separators, no leading dot, no device names. */
const runName = z
  .string()
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,99}$/u, { error: 'letters, digits, "_", "-", "." and spaces, not beginning with "." or "-", at most 100' })
  .refine((name) => !/[. ]$/.test(name) && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name), { error: 'a name that every system allows for a folder: not a device name such as "con", no "." or space at the end' });

const steps = z.int().min(0).max(1e9);

const dataSchema = z.strictObject({
  train: z.string().min(1).describe('Images to train on: a folder with or without class subfolders, a .txt list of files, a .tar archive, or a folder of .tar archives. Relative to this file.'),
  test: z.string().min(1).nullable().default(null).describe('Images with classes for evaluation, likewise; null: none.'),
  repeats: z.int().min(1).max(16).default(1).describe('Repeated augmentation: so many views of an image follow each other, and an epoch has a share of the images that is so much smaller; DeiT has 3.'),
  workers: z.union([z.int().min(1).max(256), z.literal('auto')]).default('auto').describe('Threads that decode and augment; "auto": by the number of cores.'),
}).describe('The images.');

const scheduleSchema = z.strictObject({
  epochs: z.number().positive().max(1e6).optional().describe('Length of the run in passes over the images; or give steps.'),
  steps: steps.min(1).optional().describe('Length of the run in optimizer steps; or give epochs.'),
  warmupEpochs: z.number().min(0).max(1e6).optional().describe('Epochs in which the learning rate rises from zero; or give warmupSteps.'),
  warmupSteps: steps.optional().describe('Steps in which the learning rate rises from zero; or give warmupEpochs.'),
  warmupLearningRate: z.number().min(0).default(0).describe('Learning rate that the warm-up begins with.'),
  stretch: z.number().min(1).max(100).default(1).describe('Learning rate and weight decay are laid out for a run so many times as long, and end where this run ends; MSN has 1.25.'),
  cosine: choice({ 'after-warmup': 'At every step, from the end of the warm-up on (MAE).', 'by-epoch': 'Once an epoch, and counted from the beginning: the warm-up takes the place of its first part (timm, DeiT).' }).default('after-warmup').describe('How the learning rate falls.'),
  minLearningRate: z.number().min(0).default(0).describe('Learning rate that the cosine ends at.'),
}).describe('How long, and how the learning rate moves: linear warm-up, then half a cosine.');

const batchSchema = z.strictObject({
  size: z.int().min(1).max(65536).default(64).describe('Images that are in memory at once; halve it where memory runs out, and double accumulate.'),
  accumulate: z.int().min(1).max(65536).default(1).describe('Batches whose gradients are summed for one optimizer step.'),
}).describe('The batch; the learning rate is scaled by size * accumulate / 256.');

const engineSchema = z.strictObject({
  engine: choice({ auto: 'The best engine that this machine has.', torch: 'libtorch: GPUs and CPUs, fp32 and bf16.', tensorflow: 'TensorFlow\'s own binding for Node, fp32 only.', wasm: 'WebAssembly: always there, slow.' }).default('auto').describe('What computes.'),
  device: z.string().regex(/^(auto|cpu|mps|xpu|cuda(:\d{1,3})?)$/, { error: '"auto", "cpu", "cuda", "cuda:1", "mps" or "xpu"' }).default('auto').describe('Where it is computed: auto (the fastest there is), cpu, cuda, cuda:1, mps or xpu.'),
  precision: choice({ auto: 'bf16 where the device computes it natively, else fp32.', fp32: 'Single precision throughout.', bf16: 'Half the memory of activations, faster where the device has it; torch engine only.' }).default('auto').describe('Precision of matrix products and activations; parameters are kept in fp32.'),
  threads: z.int().min(1).max(1024).nullable().default(null).describe('Threads of the CPU kernels; null: every core.'),
}).describe('What the run is computed with.');

const checkpointSchema = z.strictObject({
  everySteps: steps.min(1).nullable().default(null).describe('Save after so many steps.'),
  everyMinutes: z.number().positive().max(1e5).nullable().default(10).describe('Save after so many minutes; null: only by steps. The last step is always saved.'),
  keep: z.int().min(1).max(1e6).default(2).describe('How many of the newest checkpoints are kept.'),
}).describe('When the run is saved.');

const healthSchema = z.strictObject({
  onCollapse: choice({ warn: 'Say so and go on.', stop: 'Save, say so and stop.' }).default('warn').describe('What to do when features collapse or the loss diverges.'),
  patience: z.int().min(1).max(1e6).default(20).describe('Steps in a row that must look bad before it is said.'),
  minFeatureStd: z.number().min(0).default(0.05).describe('Feature standard deviation below which features count as collapsed.'),
  minEffectiveRank: z.number().min(0).default(1.2).describe('Effective rank (of target features, their mean taken off) below which they count as collapsed to one direction.'),
}).describe('When a run is called unwell.');

const initialSchema = z.strictObject({
  checkpoint: z.string().min(1).describe('A run\'s folder, one of its checkpoints, or a file of the official codes. Relative to this file.'),
  branch: choice({ online: 'The trained branch.', target: 'Its moving average.' }).nullable().default(null).describe('Which encoder is taken; null: the one that the method\'s authors evaluate.'),
  heads: z.int().positive().max(256).optional().describe('Attention heads of the checkpoint\'s encoder, where they are not those of a published one.'),
}).describe('Fine-tuning: the encoder starts from a checkpoint.');

const evaluateSchema = z.strictObject({
  everyEpochs: z.number().positive().max(1e6).nullable().default(null).describe('Measure after so many passes over the images; or give everySteps. Both null: never. Once it measures, it does so before the first step and after the last as well.'),
  everySteps: steps.min(1).nullable().default(null).describe('Measure after so many steps; or give everyEpochs.'),
  measures: z.array(choice({
    neighbours: 'k-NN: test images (data.test) classified by their nearest training images, by their mean patch features less the training images\' mean; eval_knn_top1.',
    correspondence: 'How often a patch of one view of an image finds its match in another view, exactly or within one patch; eval_pck_0, eval_pck_1.',
    prediction: 'How often what the method predicts of a patch is nearest to that very patch; dense SiameseIM alone; eval_prediction_0.',
    spectrum: 'Over how many directions mean patch features spread, their own mean taken off: e to the entropy of the singular values, and the first component\'s share of the variance; eval_centred_effective_rank, eval_first_component.',
  })).min(1).default([...measureNames]).describe('What is measured; what the images or the method do not allow is left out.'),
  images: z.int().min(2).max(1e7).default(2000).describe('Training images that vote and test images, at most, spread evenly over them. They are decoded once and kept in memory: 150 KB each at 224 pixels.'),
  pairs: z.int().min(8).max(100_000).default(128).describe('Pairs of views that correspondence and prediction are measured on, of test images where there are any.'),
  neighbours: z.int().min(1).max(10_000).default(20).describe('Neighbours that vote.'),
  branch: choice({ online: 'The encoder that is trained.', target: 'The one that follows it; the online one where the method has none.' }).default('online').describe('The encoder that is measured.'),
}).describe('What the run measures of its model as it trains, into evaluations.jsonl and TensorBoard. The training is the same to the bit with and without.');

export const runSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find this file\'s schema; not read.'),
  preset: z.string().optional().describe('A recipe that this file is merged over; "siamscope presets" lists them.'),
  name: runName.describe('Name of the run, and of its folder beside this file: runs/NAME.'),
  seed: z.int().min(0).max(2 ** 32 - 1).default(0).describe('Everything random follows from it: initial values, order of the images, crops, masks.'),
  data: dataSchema,
  model: modelSchema.prefault({}),
  method: methodSchema.prefault({ name: 'siamese' }),
  initial: initialSchema.nullable().default(null).describe('The checkpoint that the encoder starts from, for method supervised (fine-tuning); null: random values.'),
  augment: viewPlanSchema.shape.views.nullable().default(null).describe('The views of a sample, in place of the method\'s own; null: the method\'s own.'),
  optimizer: optimizerSchema.prefault({}),
  schedule: scheduleSchema,
  batch: batchSchema.prefault({}),
  engine: engineSchema.prefault({}),
  checkpoint: checkpointSchema.prefault({}),
  evaluate: evaluateSchema.prefault({}),
  health: healthSchema.prefault({}),
}).describe('A training run of SiamScope.');

/** What a run file may say. */
export type RunFile = z.input<typeof runSchema>;
/** A run file with every default filled in and its paths made absolute. */
export type RunConfig = Omit<z.infer<typeof runSchema>, '$schema' | 'preset'>;

/** What the schema cannot say: keys that exclude each other, dimensions that do not divide. Throws InputError naming the key. */
export function checkRun(config: RunConfig): void {
  const { schedule, model, method } = config;
  if ((schedule.epochs === undefined) === (schedule.steps === undefined)) throw new InputError(`schedule.${schedule.epochs === undefined ? 'epochs or schedule.steps is missing: give one of them, such as "schedule": {"epochs": 100}' : 'epochs and schedule.steps exclude each other: remove one'}`);
  if (schedule.warmupEpochs !== undefined && schedule.warmupSteps !== undefined) throw new InputError('schedule.warmupEpochs and schedule.warmupSteps exclude each other: remove one');
  if (isResidual(model) && !recipeOf(method).trainsResNets) throw new InputError(`model.arch "${model.arch}" is a ResNet, and method ${method.name} works on the tokens of a Vision Transformer: set model.arch to one, such as "vit_small", or method.name to "densecl"`);
  if (config.evaluate.everyEpochs !== null && config.evaluate.everySteps !== null) throw new InputError('evaluate.everyEpochs and evaluate.everySteps exclude each other: remove one');
  modelDimensions(model);
  if (config.initial && method.name !== 'supervised') throw new InputError(`initial is for fine-tuning, and method.name is ${method.name}: set method.name to supervised, or remove initial`);
  if ('decoderHeads' in method) {
    const width = method.decoderWidth ?? modelDimensions(model).width;
    if (width % method.decoderHeads !== 0) throw new InputError(`method.decoderHeads ${method.decoderHeads} does not divide the decoder's width ${width}: set method.decoderHeads or method.decoderWidth`);
  }
  checkPlan(viewPlanOf(config));
}

/** The views that the run takes of a sample: its own, or the method's. Throws InputError where names or number differ from the method's. */
export function viewPlanOf({ augment, method, model }: Pick<RunConfig, 'augment' | 'method' | 'model'>): ViewPlan {
  const { views, mapsPlaces, masks, insteadOfMask } = recipeOf(method);
  const plan = views(model, method);
  if (augment === null) return plan;
  const names = (views: readonly { name: string }[]): string => views.map(({ name }) => name).join(', ');
  if (names(augment) !== names(plan.views)) throw new InputError(`augment lists the views ${names(augment)}; method ${method.name} needs ${names(plan.views)}, in this order`);
  for (const [i, { name, size, sameAs, ops }] of augment.entries()) {
    if (mapsPlaces && ops.some(({ op }) => op === 'randAugment')) throw new InputError(`augment.${i}.ops gives view ${name} randAugment, some of whose operations move pixels, and method ${method.name} needs to know where each patch of a view comes from: remove it`);
    const own = plan.views[i]!;
    if (sameAs !== own.sameAs) throw new InputError(`augment.${i}.sameAs is wrong: view ${name} ${own.sameAs === undefined ? `has draws of its own in method ${method.name}: leave sameAs out` : `shows the same as ${own.sameAs} in method ${method.name}: set "sameAs": "${own.sameAs}"`}`);
    if (size !== own.size) throw new InputError(`augment.${i}.size gives view ${name} ${size} pixels, the model takes ${own.size} (${own.size === model.imageSize ? 'model.imageSize' : own.sameAs === undefined ? 'method.localSize' : 'method.tokenizerStride for each patch'})`);
  }
  checkMasks(augment, method.name, masks?.(method) ?? {}, insteadOfMask);
  return { ...plan, views: augment };
}
