/** How fast one training step is: the learner's own step on a batch of random pixels, decoding left out. The engine is current already. */
import * as tf from '@tensorflow/tfjs-core';
import { drawMask } from '../augment/masks.ts';
import { expandViews, gridOf } from '../augment/plan.ts';
import type { Engine } from '../engines/engine.ts';
import type { Batch, ViewBatch } from '../data/batch.ts';
import { recipeOf, type MethodConfig } from '../methods/recipes.ts';
import type { ModelConfig } from '../nn/model.ts';
import { optimizerSchema } from '../optim/schema.ts';
import { Random } from '../random.ts';
import { Learner } from './learner.ts';

export interface StepBenchmark {
  method: string;
  arch: string;
  batch: number;
  precision: string;
  engine: string;
  device: string;
  /** Median over the timed steps. */
  seconds_per_step: number;
  images_per_second: number;
  /** Processor time, of all threads: what a busy machine changes least. */
  processor_seconds_per_step: number;
  seconds: number[];
  loss: number;
  /** Greatest resident set of the process so far. */
  peak_rss_mb: number;
  /** Greatest sum of all tensors, as the engine counts it; null where it cannot. */
  peak_tensor_mb: number | null;
  tensors_after_each_step: number[];
}

/** A batch as the loader makes it, of random pixels, crops and masks of the method's own view plan. */
export function randomBatch(model: ModelConfig, method: MethodConfig, size: number, seed: number): Batch {
  const random = new Random(seed);
  const plan = recipeOf(method).views(model, method);
  const views: ViewBatch[] = expandViews(plan).map((view) => {
    const { name, size: side, mask: spec } = view;
    const pixels = new Uint8Array(size * side * side * 3);
    const words = new Uint32Array(pixels.buffer);
    for (let i = 0; i < words.length; i++) words[i] = random.uint32();
    const masks = spec && spec.kind !== 'none' ? Uint8Array.from(Array.from({ length: size }, () => Array.from(drawMask(random, gridOf(view, plan.patchSize), spec)!)).flat()) : null;
    const crops = Array.from({ length: size }, () => ({ top: random.integer(0, 100), left: random.integer(0, 100), height: random.integer(100, 200), width: random.integer(100, 200), flipped: random.chance(0.5), imageWidth: 320, imageHeight: 320 }));
    return { name, size: side, pixels, crops, mask: masks };
  });
  return { step: 0, epoch: 0, indices: new Uint32Array(size), files: [], labels: labelsOf(method, size), views, skipped: [] };
}

/** Classes one after the other, for methods that need them. */
function labelsOf(method: MethodConfig, size: number): Int32Array | null {
  const classes = recipeOf(method).classes?.(method);
  return classes === undefined ? null : Int32Array.from({ length: size }, (_, i) => i % classes);
}

export async function benchmarkStep(engine: Engine, options: { model: ModelConfig; method: MethodConfig; batch: number; steps: number; warmUp?: number }): Promise<StepBenchmark> {
  const { model, method, batch: size, steps, warmUp = 2 } = options;
  const learner = Learner.create({ model, method, optimizer: optimizerSchema.parse({}), seed: 0 });
  const batch = randomBatch(model, method, size, 1);
  const seconds: number[] = [], processorSeconds: number[] = [];
  const tensors: number[] = [];
  let loss = NaN;
  for (let i = 0; i < warmUp + steps; i++) {
    const started = performance.now(), used = process.cpuUsage();
    ({ loss } = await learner.step([batch], { learningRate: 1e-4, weightDecay: 0.05, momentum: 0.995, method: recipeOf(method).rates?.(method, { step: 500, totalSteps: 1000, epoch: 50 }) ?? {} }));
    engine.synchronize();
    seconds.push((performance.now() - started) / 1000);
    const { user, system } = process.cpuUsage(used);
    processorSeconds.push((user + system) / 1e6);
    tensors.push(tf.memory().numTensors);
  }
  learner.dispose();
  const timed = seconds.slice(warmUp);
  const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const median = middle(timed);
  const memory = engine.memory();
  return {
    method: method.name, arch: model.arch, batch: size, precision: engine.precision, engine: `${engine.name} ${engine.version}`, device: engine.deviceName,
    seconds_per_step: median, images_per_second: size / median, processor_seconds_per_step: middle(processorSeconds.slice(warmUp)), seconds: timed, loss,
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024), peak_tensor_mb: memory && Math.round(memory.peakBytes / 2 ** 20), tensors_after_each_step: tensors,
  };
}
