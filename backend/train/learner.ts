/** A model in training: its parameters, its optimizer, and what one step does to them. The engine is current already. */
import * as tf from '@tensorflow/tfjs-core';
import { relativeGeometry } from '../augment/geometry.ts';
import type { Batch, ViewBatch } from '../data/batch.ts';
import { InputError, RunError } from '../errors.ts';
import type { TensorFile } from '../formats/tensorFile.ts';
import type { Method, MethodBatch, MethodOutput, ViewTensors } from '../methods/method.ts';
import { methodOf, type MethodConfig } from '../methods/registry.ts';
import type { Draw } from '../nn/dropPath.ts';
import { Parameters, RunningStatistics } from '../nn/parameters.ts';
import type { ModelConfig } from '../nn/model.ts';
import { createOptimizer } from '../optim/create.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { parameterUpdates } from '../ops/updates.ts';
import type { OptimizerConfig } from '../optim/schema.ts';
import { valueAndGradients } from '../ops/gradients.ts';
import { imagePatches } from '../ops/imagePatches.ts';
import { drawOf } from './stepDraw.ts';

export interface Rates {
  learningRate: number;
  weightDecay: number;
  /** EMA momentum of the target branch. */
  momentum: number;
  /** What the method's own schedules come to. */
  method?: Readonly<Record<string, number>>;
}

export interface StepReport {
  loss: number;
  /** Global norm of the gradients before clipping. */
  gradNorm: number;
  metrics: Record<string, number>;
}

/** A tensor of a checkpoint, read when it is written. */
export interface NamedTensor {
  name: string;
  shape: number[];
  read: () => Promise<Float32Array>;
}

export interface LearnerOptions {
  model: ModelConfig;
  method: MethodConfig;
  optimizer: OptimizerConfig;
  seed: number;
}

/** What a step computed, shown to those who look closer before the optimizer uses it up. Gradients are in the order of `parameters.trainable`. */
export interface StepDetails extends StepReport {
  gradients: (tf.Tensor | null)[];
  intermediates: Record<string, tf.Tensor>;
}

/** A mask [B, N] (1 is masked) as the positions that are left, [B, K]; null where images keep different numbers. */
export function visiblePositions(mask: Uint8Array, batch: number): Int32Array | null {
  const patches = mask.length / batch;
  const kept = Array.from({ length: batch }, (_, b) => Array.from({ length: patches }, (_, i) => i).filter((i) => mask[b * patches + i] === 0));
  const count = kept[0]!.length;
  if (kept.some((k) => k.length !== count)) return null;
  return Int32Array.from(kept.flat());
}

/** Where a mask [B, N] is 1, as rows of [B N]. */
export const hiddenRows = (mask: Uint8Array): Int32Array => {
  const rows: number[] = [];
  mask.forEach((value, row) => value === 1 && rows.push(row));
  return Int32Array.from(rows);
};

function viewTensors(view: ViewBatch, patchSize: number): ViewTensors {
  const patches = imagePatches(view.pixels, view.size, patchSize);
  if (!view.mask?.some((m) => m !== 0)) return { patches, visible: null, mask: null };
  const batch = patches.shape[0];
  const positions = visiblePositions(view.mask, batch);
  return { patches, visible: positions && tf.tensor(positions, [batch, positions.length / batch], 'int32'), mask: tf.tensor(Float32Array.from(view.mask), [batch, patches.shape[1]!]), hidden: tf.tensor1d(hiddenRows(view.mask), 'int32') };
}

/** A batch of the loader as the method takes it; `pictures` names the views that it reads as images. */
export function methodBatch(batch: Batch, model: ModelConfig, pictures: readonly string[] = []): MethodBatch {
  const patched = batch.views.filter(({ name }) => !pictures.includes(name));
  const [a, b] = patched;
  return {
    views: patched.map((view) => viewTensors(view, model.patchSize)),
    pictures: Object.fromEntries(batch.views.filter(({ name }) => pictures.includes(name)).map(({ name, pixels, size }) => [name, { pixels, size }])),
    labels: batch.labels,
    geometry: a && b ? a.crops.map((crop, i) => relativeGeometry(crop, b.crops[i]!)) : null,
  };
}

export class Learner {
  readonly parameters: Parameters;
  readonly optimizer: Optimizer;
  private readonly options: LearnerOptions;
  private readonly statistics = new RunningStatistics();
  /** Moves of the target branch: one ahead of the optimizer's steps where a step failed after it. */
  private targetUpdates = 0;

  private constructor(options: LearnerOptions) {
    this.options = options;
    this.parameters = new Parameters(methodOf(options.method).specs(options.model, options.method), options.seed);
    this.parameters.statistics = this.statistics;
    this.optimizer = createOptimizer(this.parameters.trainable, options.optimizer);
  }

  static create(options: LearnerOptions): Learner {
    return new Learner(options);
  }

  /** Before the first step of a run that begins: reads what the run file names beside its images. Rejects with InputError. */
  async prepare(): Promise<void> {
    const { model, method } = this.options;
    await methodOf(method).prepare?.(this.parameters, model, method);
  }

  /** One optimizer step over one or more micro-batches. Rejects with RunError on a loss that is not finite; the same step can be taken again, to the bit. */
  step(micro: Batch[], rates: Rates): Promise<StepReport> {
    return this.stepOn(micro.map((batch) => () => methodBatch(batch, this.options.model, methodOf(this.options.method).pictures)), rates);
  }

  /** As `step`, on tensors; `inspect` sees the details while they last. */
  async stepOn(micro: (() => MethodBatch)[], rates: Rates, inspect?: (details: StepDetails) => Promise<void>, draw?: Draw): Promise<StepReport> {
    const { model, method: config, seed } = this.options;
    const method = methodOf(config);
    const isBefore = (method.momentumOrder ?? 'before') === 'before';
    // Where the target moves before its forward pass, a step that failed has moved it already: done again, it moves once all the same.
    if (isBefore && this.targetUpdates <= this.optimizer.steps) this.moveTarget(method, rates.momentum);
    this.statistics.drop();

    const variables = this.parameters.trainable.map(({ variable }) => variable);
    let total: (tf.Tensor | null)[] = variables.map(() => null);
    let intermediates: Record<string, tf.Tensor> = {};
    const scalars: Record<string, number> = {};
    for (const [i, make] of micro.entries()) {
      const step = { rates: rates.method ?? {}, draw: draw ?? drawOf(seed, this.optimizer.steps, i), detailed: inspect !== undefined };
      const { value, gradients } = valueAndGradients<MethodOutput>(() => method.forward(this.parameters, model, config, make(), step), variables);
      tf.dispose(intermediates);
      intermediates = value.intermediates;
      total = total.map((sofar, i) => {
        const next = gradients[i]!;
        if (!sofar || !next) return sofar ?? next;
        const sum = tf.add(sofar, next);
        tf.dispose([sofar, next]);
        return sum;
      });
      for (const [name, scalar] of Object.entries({ loss: value.loss, ...value.metrics })) {
        scalars[name] = (scalars[name] ?? 0) + (await scalar.data())[0]! / micro.length;
        scalar.dispose();
      }
    }
    const present = total.filter((g): g is tf.Tensor => g !== null);
    const norms = this.gradientNorms(total).map((norm) => norm / micro.length);
    const gradNorm = Math.sqrt(norms.reduce((sum, norm, i) => sum + (this.isCounted(i) ? norm ** 2 : 0), 0));
    const { loss = NaN, ...metrics } = scalars;
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      tf.dispose([present, intermediates]);
      throw new RunError(`the ${Number.isFinite(loss) ? 'gradient' : 'loss'} is not finite (loss ${loss}, gradient norm ${gradNorm}). Lower optimizer.baseLearningRate, lengthen the warm-up, or set engine.precision=fp32`);
    }
    await inspect?.({ loss, gradNorm, metrics, gradients: total, intermediates });
    this.statistics.apply();
    const used = total.map((gradient, i) => (method.isFrozen?.(this.optimizer.slots[i]!.spec.name, rates.method ?? {}) ? null : gradient));
    this.optimizer.step(used, rates, this.clipping(norms, gradNorm).map((scale) => scale / micro.length));
    if (!isBefore) this.moveTarget(method, rates.momentum);
    tf.dispose([present, intermediates]);
    return { loss, gradNorm, metrics };
  }

  private moveTarget(method: Method<MethodConfig>, momentum: number): void {
    const pairs = method.momentumPairs(this.options.model, this.options.method);
    if (pairs.length) parameterUpdates().lerp(pairs.map(([target]) => this.parameters.get(target)), pairs.map(([, source]) => this.parameters.get(source)), 1 - momentum);
    this.targetUpdates++;
  }

  /** In the parameters' order; 0 where there is no gradient. */
  private gradientNorms(gradients: (tf.Tensor | null)[]): number[] {
    const norms = parameterUpdates().norms(gradients.filter((gradient) => gradient !== null));
    let next = 0;
    return gradients.map((gradient) => (gradient ? norms[next++]! : 0));
  }

  private isCounted(parameter: number): boolean {
    return this.optimizer.slots[parameter]!.spec.clip !== false;
  }

  /** What each gradient is multiplied by so that no norm is too large. */
  private clipping(norms: readonly number[], globalNorm: number): number[] {
    const { clipNorm, clip } = this.options.optimizer;
    return norms.map((norm, i) => (clipNorm === null || !this.isCounted(i) ? 1 : Math.min(1, clipNorm / ((clip === 'tensor' ? norm : globalNorm) + 1e-6))));
  }

  /** Tensors by the authors' checkpoint names. */
  modelTensors(): NamedTensor[] {
    return this.parameters.specs.map(({ name, shape }) => ({ name, shape, read: () => this.parameters.get(name).data<'float32'>() }));
  }

  /** The optimizer's state as `exp_avg.NAME`, `exp_avg_sq.NAME` for each trained parameter, `step`, `step.NAME` where a parameter has taken fewer, and `target_updates`. */
  optimizerTensors(): NamedTensor[] {
    const count = (name: string, value: number): NamedTensor => ({ name, shape: [1], read: () => Promise.resolve(Float32Array.of(value)) });
    return [
      count('step', this.optimizer.steps),
      count('target_updates', this.targetUpdates),
      ...this.optimizer.slots.filter(({ steps }) => steps !== this.optimizer.steps).map(({ spec, steps }) => count(`step.${spec.name}`, steps)),
      ...this.optimizer.slots.flatMap(({ spec: { name, shape }, state }) => Object.entries(state).map(([kind, variable]) => ({ name: `${kind}.${name}`, shape, read: () => variable.data<'float32'>() }))),
    ];
  }

  /** Takes over a checkpoint's tensors; with an optimizer file, its moments too. Throws InputError where one is missing. */
  async load(model: TensorFile, optimizer: TensorFile | null): Promise<void> {
    const shapes = new Map(model.tensors.map((t) => [t.name, t.shape]));
    for (const { name } of this.parameters.specs) {
      const shape = shapes.get(name);
      if (!shape) throw new InputError(`${model.path} has no tensor ${name}: it is not a checkpoint of this run's method and model`);
      this.parameters.set(name, await model.readFloat32(name), shape);
    }
    if (!optimizer) return;
    this.optimizer.steps = (await optimizer.readFloat32('step'))[0]!;
    this.targetUpdates = (await optimizer.readFloat32('target_updates'))[0]!;
    const counted = new Set(optimizer.tensors.map(({ name }) => name));
    for (const slot of this.optimizer.slots) {
      const { spec, state } = slot;
      slot.steps = counted.has(`step.${spec.name}`) ? (await optimizer.readFloat32(`step.${spec.name}`))[0]! : this.optimizer.steps;
      for (const [kind, variable] of Object.entries(state)) {
        const values = await optimizer.readFloat32(`${kind}.${spec.name}`);
        tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      }
    }
  }

  dispose(): void {
    this.parameters.dispose();
    this.optimizer.dispose();
  }
}
