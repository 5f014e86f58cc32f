/** The problems of golden folders: their config and batch, in the official codes' words, as this project's model, method and batch. */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { RelativeGeometry } from '../augment/geometry.ts';
import { InputError } from '../errors.ts';
import type { TensorFile } from '../formats/tensorFile.ts';
import type { MethodBatch } from '../methods/method.ts';
import { methodSchema, type MethodConfig } from '../methods/registry.ts';
import type { Draw } from '../nn/dropPath.ts';
import { modelSchema, type ModelConfig } from '../nn/model.ts';
import { optimizerSchema } from '../optim/schema.ts';
import { patchesOf } from '../ops/imagePatches.ts';
import { hiddenRows, visiblePositions, type LearnerOptions, type Rates } from './learner.ts';

const optimizer = z.object({
  name: z.literal('adamw'),
  lr: z.number(),
  betas: z.tuple([z.number(), z.number()]),
  eps: z.number(),
  weight_decay: z.number(),
  clip_norm: z.number().nullable(),
  clip_kind: z.string().nullish(),
});

const common = { image_size: z.int().positive(), patch_size: z.int().positive(), embed_dim: z.int().positive(), depth: z.int().positive(), heads: z.int().positive(), layer_norm_eps: z.number().positive(), batch: z.int().positive(), optimizer };
const norm = z.enum(['batch', 'layer']);

const siameseConfig = z.object({
  method: z.literal('siamese'),
  ...common,
  decoder_embed_dim: z.int().positive(),
  decoder_heads: z.int().positive(),
  projector_depth: z.int().min(0),
  predictor_depth: z.int().positive(),
  projector_norm: norm,
  predictor_norm: norm,
  online_norm: z.boolean(),
  train_patch_embed: z.boolean(),
  layer_scale: z.number().positive().nullable(),
  neg_weight: z.number(),
  ema_momentum: z.number(),
});

const maeConfig = z.object({
  method: z.literal('mae'),
  ...common,
  decoder_embed_dim: z.int().positive(),
  decoder_depth: z.int().min(0),
  decoder_heads: z.int().positive(),
  norm_pix_loss: z.boolean(),
  mask_ratio: z.number().min(0).max(1),
});

const mocov3Config = z.object({
  method: z.literal('mocov3'),
  ...common,
  hidden_dim: z.int().positive(),
  output_dim: z.int().positive(),
  projector_layers: z.int().positive(),
  predictor_layers: z.int().positive(),
  temperature: z.number().positive(),
  ema_momentum: z.number(),
  train_patch_embed: z.boolean(),
  mask_ratio: z.number().nullable(),
});

const distillationConfig = {
  ...common,
  local_crops: z.int().min(0),
  local_size: z.int().positive(),
  drop_path: z.number().min(0),
  head_hidden_dim: z.int().positive(),
  head_bottleneck_dim: z.int().positive(),
  output_dim: z.int().positive(),
  norm_last_layer: z.boolean(),
  student_temperature: z.number().positive(),
  center_momentum: z.number(),
  per_step: z.array(z.object({ teacher_temperature: z.number().positive(), teacher_patch_temperature: z.number().positive().optional(), frozen_last_layer: z.boolean(), lr: z.number(), weight_decay: z.number(), ema_momentum: z.number() })).min(1),
};

const dinoConfig = z.object({ method: z.literal('dino'), ...distillationConfig });

const ibotConfig = z.object({
  method: z.literal('ibot'),
  ...distillationConfig,
  shared_head: z.boolean(),
  center_patch_momentum: z.number(),
  lambda1: z.number(),
  lambda2: z.number(),
});

const msnConfig = z.object({
  method: z.literal('msn'),
  ...common,
  rand_views: z.int().positive(),
  focal_views: z.int().min(0),
  focal_size: z.int().positive(),
  patch_drop: z.number().min(0).lt(1),
  head_hidden: z.int().positive(),
  head_out: z.int().positive(),
  prototypes: z.int().min(2),
  temperature: z.number().positive(),
  sharpen_temperature: z.number().positive(),
  sinkhorn_iterations: z.int().min(0),
  me_max: z.boolean(),
  me_max_weight: z.number(),
  entropy_weight: z.number(),
  ema_momentum: z.number(),
});

const supervisedConfig = z.object({
  method: z.literal('supervised'),
  ...common,
  global_pool: z.boolean(),
  classes: z.int().min(2),
  drop_path: z.number().min(0),
  label_smoothing: z.number().min(0),
  layer_decay: z.number().positive(),
  layer_scale: z.number().positive().nullish(),
  relative_position_bias: z.enum(['block', 'shared']).nullish(),
});

const denseclCommon = {
  method: z.literal('densecl'),
  hidden_dim: z.int().positive(),
  output_dim: z.int().positive(),
  queue_length: z.int().positive(),
  temperature: z.number().positive(),
  loss_lambda: z.number().min(0).max(1),
  ema_momentum: z.number(),
  optimizer: z.object({ name: z.literal('sgd'), lr: z.number(), momentum: z.number(), weight_decay: z.number(), clip_norm: z.number().nullable(), betas: z.undefined().optional(), eps: z.undefined().optional(), clip_kind: z.undefined().optional() }),
};

const denseclConfig = z.discriminatedUnion('backbone', [
  z.object({ ...common, ...denseclCommon, backbone: z.literal('vit') }),
  z.object({ ...denseclCommon, backbone: z.literal('resnet'), image_size: common.image_size, batch: common.batch, blocks: z.array(z.int().positive()), base_width: z.int().positive(), expansion: z.literal(4), stride_in: z.literal('3x3'), batch_norm_eps: z.literal(1e-5), batch_norm_momentum: z.literal(0.1) }),
]);

const beitConfig = z.object({
  method: z.literal('beit'),
  ...common,
  layer_scale: z.number().positive().nullable(),
  relative_position_bias: z.enum(['shared']).nullable(),
  vocabulary: z.int().min(2),
  drop_path: z.number().min(0),
});

export const goldenConfigSchema = z.discriminatedUnion('method', [siameseConfig, maeConfig, mocov3Config, dinoConfig, ibotConfig, msnConfig, supervisedConfig, denseclConfig, beitConfig]);
type GoldenConfig = z.infer<typeof goldenConfigSchema>;

export interface GoldenProblem {
  options: Omit<LearnerOptions, 'seed'>;
  /** Makes the batch's tensors anew, for each step. */
  batch: () => MethodBatch;
  rates: (step: number) => Rates;
  /** The recorded random numbers of a step. */
  draw?: (step: number) => Draw;
}

/** A tensor of the batch file, with its shape. */
interface Values {
  values: Float32Array;
  shape: number[];
}

async function readValues(file: TensorFile, name: string): Promise<Values> {
  return { values: await file.readFloat32(name), shape: file.tensors.find((t) => t.name === name)!.shape };
}

type TransformerConfig = Exclude<GoldenConfig, { backbone: 'resnet' }>;

const model = (c: TransformerConfig, layerScale: number | null) => modelSchema.parse({ arch: 'vit_tiny', imageSize: c.image_size, patchSize: c.patch_size, width: c.embed_dim, depth: c.depth, heads: c.heads, layerScale, layerNormEps: c.layer_norm_eps });

const optimizerOf = ({ optimizer: o }: GoldenConfig) => (o.name === 'sgd' ? optimizerSchema.parse({ name: 'sgd', baseLearningRate: o.lr, momentum: o.momentum, weightDecay: o.weight_decay, clipNorm: o.clip_norm }) : optimizerSchema.parse({ baseLearningRate: o.lr, betas: o.betas, eps: o.eps, weightDecay: o.weight_decay, clipNorm: o.clip_norm, clip: o.clip_kind?.startsWith('per tensor') ? 'tensor' : 'global' }));

const patches = ({ values, shape }: Values, patchSize: number): tf.Tensor => tf.tidy(() => patchesOf(tf.tensor(values, shape), patchSize));

/** mask [B, N], 1 is masked. */
function masked(mask: Uint8Array, batch: number): { visible: tf.Tensor | null; mask: tf.Tensor; hidden: tf.Tensor } {
  const positions = visiblePositions(mask, batch);
  return { visible: positions && tf.tensor(positions, [batch, positions.length / batch], 'int32'), mask: tf.tensor(Float32Array.from(mask), [batch, mask.length / batch]), hidden: tf.tensor1d(hiddenRows(mask), 'int32') };
}

/** The model and method that a golden config describes. */
export function goldenModel(c: GoldenConfig): { model: ModelConfig; method: MethodConfig } {
  if (c.method === 'mae') return { model: model(c, null), method: methodSchema.parse({ name: 'mae', maskRatio: c.mask_ratio, decoderWidth: c.decoder_embed_dim, decoderDepth: c.decoder_depth, decoderHeads: c.decoder_heads, normalizePixels: c.norm_pix_loss }) };
  if (c.method === 'dino' || c.method === 'ibot') {
    const common = { name: c.method, outputs: c.output_dim, hiddenWidth: c.head_hidden_dim, bottleneckWidth: c.head_bottleneck_dim, normLastLayer: c.norm_last_layer, studentTemperature: c.student_temperature, centerMomentum: c.center_momentum, localCrops: c.local_crops, localSize: c.local_size };
    const own = c.method === 'ibot' ? { sharedHead: c.shared_head, classWeight: c.lambda1, patchWeight: c.lambda2, patchCenterMomentum: c.center_patch_momentum } : {};
    return { model: { ...model(c, null), dropPath: c.drop_path }, method: methodSchema.parse({ ...common, ...own }) };
  }
  if (c.method === 'msn') {
    const method = methodSchema.parse({
      name: 'msn', prototypes: c.prototypes, hiddenWidth: c.head_hidden, outputWidth: c.head_out, anchorViews: c.rand_views, patchDrop: c.patch_drop, focalViews: c.focal_views, focalSize: c.focal_size,
      temperature: c.temperature, sharpening: c.sharpen_temperature, sinkhornRounds: c.sinkhorn_iterations, spreadWeight: c.me_max ? c.me_max_weight : 0, entropyWeight: c.entropy_weight,
    });
    return { model: model(c, null), method };
  }
  if (c.method === 'supervised') return { model: { ...model(c, c.layer_scale ?? null), dropPath: c.drop_path }, method: methodSchema.parse({ name: 'supervised', positions: !c.relative_position_bias ? 'learned' : c.relative_position_bias === 'block' ? 'relative' : 'relative-shared', classes: c.classes, pooling: c.global_pool ? 'mean' : 'class', labelSmoothing: c.label_smoothing, layerDecay: c.layer_decay, mixup: 0, cutmix: 0, erasing: 0 }) };
  if (c.method === 'densecl') return { model: c.backbone === 'vit' ? model(c, null) : modelSchema.parse({ arch: 'resnet50', imageSize: c.image_size, blocks: c.blocks, baseWidth: c.base_width }), method: methodSchema.parse({ name: 'densecl', hiddenWidth: c.hidden_dim, outputWidth: c.output_dim, queueLength: c.queue_length, temperature: c.temperature, denseWeight: c.loss_lambda }) };
  if (c.method === 'beit') return { model: { ...model(c, c.layer_scale), dropPath: c.drop_path }, method: methodSchema.parse({ name: 'beit', vocabulary: c.vocabulary, positions: c.relative_position_bias ? 'relative' : 'learned' }) };
  if (c.method === 'mocov3') return { model: model(c, null), method: methodSchema.parse({ name: 'mocov3', hiddenWidth: c.hidden_dim, outputWidth: c.output_dim, projectorLayers: c.projector_layers, predictorLayers: c.predictor_layers, temperature: c.temperature, trainPatchEmbed: c.train_patch_embed, ...(c.mask_ratio === null ? {} : { mask: 'block', maskRatio: c.mask_ratio }) }) };
  const method = methodSchema.parse({
    name: 'siamese', decoderWidth: c.decoder_embed_dim, decoderHeads: c.decoder_heads, projectorDepth: c.projector_depth, predictorDepth: c.predictor_depth,
    projectorNorm: c.projector_norm, predictorNorm: c.predictor_norm, onlineNorm: c.online_norm, trainPatchEmbed: c.train_patch_embed, lambda: c.neg_weight,
  });
  return { model: model(c, c.layer_scale), method };
}

async function siameseProblem(c: Extract<GoldenConfig, { method: 'siamese' }>, file: TensorFile): Promise<GoldenProblem> {
  const [a, b, mask] = await Promise.all(['x1', 'x2', 'mask'].map((name) => readValues(file, name)));
  const [deltaI, deltaJ, deltaH, deltaW, relativeFlip, flipDeltaJ] = await Promise.all(['delta_i', 'delta_j', 'delta_h', 'delta_w', 'relative_flip', 'flip_delta_j'].map((name) => file.readFloat32(name)));
  const geometry: RelativeGeometry[] = Array.from(deltaI!, (_, i) => ({ deltaI: deltaI![i]!, deltaJ: deltaJ![i]!, deltaH: deltaH![i]!, deltaW: deltaW![i]!, relativeFlip: relativeFlip![i] !== 0, flipDeltaJ: flipDeltaJ![i]! }));
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: c.ema_momentum }),
    batch: () => ({
      views: [
        { patches: patches(a!, c.patch_size), ...masked(Uint8Array.from(mask!.values), a!.shape[0]!) },
        { patches: patches(b!, c.patch_size), visible: null, mask: null },
      ],
      geometry,
    }),
  };
}

async function maeProblem(c: Extract<GoldenConfig, { method: 'mae' }>, file: TensorFile): Promise<GoldenProblem> {
  const [image, noise] = await Promise.all(['crop0', 'noise'].map((name) => readValues(file, name)));
  const [batch, count] = noise!.shape as [number, number];
  const keep = Math.floor(count * (1 - c.mask_ratio));
  const mask = new Uint8Array(batch * count).fill(1);
  for (let b = 0; b < batch; b++) {
    const row = noise!.values.subarray(b * count, (b + 1) * count);
    const order = Array.from(row.keys()).sort((p, q) => row[p]! - row[q]!);
    for (const i of order.slice(0, keep)) mask[b * count + i] = 0;
  }
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: 1 }),
    batch: () => ({ views: [{ patches: patches(image!, c.patch_size), ...masked(mask, batch) }], geometry: null }),
  };
}

/** Crops `crop0`, `crop1`, ... of the batch, each with its `mask0`, ... where there is one. */
async function readCrops(file: TensorFile): Promise<{ image: Values; mask: Values | null }[]> {
  const names = new Set(file.tensors.map(({ name }) => name));
  const crops = [];
  for (let i = 0; names.has(`crop${i}`); i++) crops.push({ image: await readValues(file, `crop${i}`), mask: names.has(`mask${i}`) ? await readValues(file, `mask${i}`) : null });
  return crops;
}

const viewsOf = (crops: Awaited<ReturnType<typeof readCrops>>, patchSize: number): MethodBatch['views'] => crops.map(({ image, mask }) => ({ patches: patches(image, patchSize), ...(mask ? masked(Uint8Array.from(mask.values), image.shape[0]!) : { visible: null, mask: null }) }));

async function twoViewProblem(c: Extract<GoldenConfig, { method: 'mocov3' | 'densecl' }>, file: TensorFile): Promise<GoldenProblem> {
  const crops = await readCrops(file);
  const problem = goldenModel(c);
  return {
    options: { ...problem, optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: c.ema_momentum }),
    batch: () => ({ views: viewsOf(crops, problem.model.patchSize), geometry: null }),
  };
}

async function distillationProblem(c: Extract<GoldenConfig, { method: 'dino' | 'ibot' }>, file: TensorFile): Promise<GoldenProblem> {
  const crops = await readCrops(file);
  const noise = new Map<string, Float32Array>();
  for (const { name } of file.tensors) if (name.startsWith('drop_path.')) noise.set(name, await file.readFloat32(name));
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: (step) => {
      const { lr, weight_decay, ema_momentum, teacher_temperature, teacher_patch_temperature, frozen_last_layer } = c.per_step[Math.min(step, c.per_step.length - 1)]!;
      return { learningRate: lr, weightDecay: weight_decay, momentum: ema_momentum, method: { teacher_temperature, ...(teacher_patch_temperature && { teacher_patch_temperature }), frozen_last_layer: frozen_last_layer ? 1 : 0 } };
    },
    draw: (step) => (name) => {
      const values = noise.get(`drop_path.step${step}.${name}`);
      if (!values) throw new InputError(`${file.path} has no drop_path.step${step}.${name}, which its config asks for`);
      return values;
    },
    batch: () => ({ views: viewsOf(crops, c.patch_size), geometry: null }),
  };
}

async function msnProblem(c: Extract<GoldenConfig, { method: 'msn' }>, file: TensorFile): Promise<GoldenProblem> {
  const crops = await readCrops(file);
  const permutation = await file.readFloat32('permutation');
  // Noise whose order is the recorded permutation.
  const noise = new Float32Array(permutation.length);
  permutation.forEach((place, i) => (noise[place] = i / permutation.length));
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: c.ema_momentum }),
    draw: () => () => noise,
    batch: () => ({ views: viewsOf(crops, c.patch_size), geometry: null }),
  };
}

async function supervisedProblem(c: Extract<GoldenConfig, { method: 'supervised' }>, file: TensorFile): Promise<GoldenProblem> {
  const crops = await readCrops(file);
  const has = (name: string): boolean => file.tensors.some((tensor) => tensor.name === name);
  const labels = Int32Array.from(await file.readFloat32('labels'));
  const lambda = has('mix_lambda') ? await file.readFloat32('mix_lambda') : null;
  const isCut = has('mix_cutmix') ? (await file.readFloat32('mix_cutmix')).map((cut) => Number(cut !== 0)) : null;
  const boxes = isCut?.some((cut) => cut === 1) ? Int32Array.from(await file.readFloat32('mix_box')) : null;
  if (boxes && isCut?.some((cut) => cut === 0)) throw new InputError(`${file.path} blends some images and cuts others: that is not supported`);
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: 1 }),
    batch: () => ({ views: viewsOf(crops, c.patch_size), geometry: null, labels, ...(lambda && { mixing: { lambda, boxes } }) }),
  };
}

async function beitProblem(c: Extract<GoldenConfig, { method: 'beit' }>, file: TensorFile): Promise<GoldenProblem> {
  const image = await readValues(file, 'crop0');
  const mask = Uint8Array.from(await file.readFloat32('mask')), codes = Int32Array.from(await file.readFloat32('codes'));
  return {
    options: { ...goldenModel(c), optimizer: optimizerOf(c) },
    rates: () => ({ learningRate: c.optimizer.lr, weightDecay: c.optimizer.weight_decay, momentum: 1 }),
    batch: () => ({ views: [{ patches: patches(image, c.patch_size), ...masked(mask, image.shape[0]!) }], geometry: null, codes }),
  };
}

/** The folder's problem; its batch file stays the caller's. */
export function goldenProblem(config: GoldenConfig, batch: TensorFile): Promise<GoldenProblem> {
  switch (config.method) {
    case 'siamese':
      return siameseProblem(config, batch);
    case 'mae':
      return maeProblem(config, batch);
    case 'dino':
    case 'ibot':
      return distillationProblem(config, batch);
    case 'msn':
      return msnProblem(config, batch);
    case 'supervised':
      return supervisedProblem(config, batch);
    case 'beit':
      return beitProblem(config, batch);
    case 'densecl':
    case 'mocov3':
      return twoViewProblem(config, batch);
  }
}
