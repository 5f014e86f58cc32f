/** What lives in the training thread: engine, learner and loader of one run, and what each call of the main thread does with them. */
import { join } from 'node:path';
import type { Batch } from '../data/batch.ts';
import { openDataset, type Dataset } from '../data/dataset.ts';
import { Loader } from '../data/loader.ts';
import { SampleOrder } from '../data/order.ts';
import { openEngine } from '../engines/choose.ts';
import type { Engine } from '../engines/engine.ts';
import { InputError, RunError } from '../errors.ts';
import { openTensorFile, writeSafetensors } from '../formats/tensorFile.ts';
import { recipeOf } from '../methods/recipes.ts';
import type { FileDigest, StepRates, TrainingCalls, TrainingOpened, TrainingStep } from '../protocol.ts';
import { viewPlanOf, type RunConfig } from './config.ts';
import { Evaluator } from './evaluator.ts';
import { initialiseEncoder } from './initial.ts';
import { Learner, type NamedTensor } from './learner.ts';
import { scheduleSteps } from './schedule.ts';

export const modelFile = 'model.safetensors';
export const optimizerFile = 'optimizer.safetensors';

/** Images of the batch in work when a step failed. */
export class StepError extends Error {
  readonly files: string[];

  constructor(cause: unknown, files: string[]) {
    super((cause as Error).message, { cause });
    this.files = files;
  }
}

export class TrainingSession {
  private readonly engine: Engine;
  private readonly learner: Learner;
  private readonly loader: Loader;
  private readonly batches: AsyncIterator<Batch>;
  /** Asked for before it is needed, so that decoding goes on while the engine is busy. */
  private next: Promise<IteratorResult<Batch>>;
  private readonly accumulate: number;
  private readonly evaluator: Evaluator | null;
  readonly opened: TrainingOpened;

  private constructor(engine: Engine, learner: Learner, loader: Loader, batches: AsyncIterator<Batch>, first: Promise<IteratorResult<Batch>>, accumulate: number, evaluator: Evaluator | null, opened: TrainingOpened) {
    this.engine = engine;
    this.learner = learner;
    this.loader = loader;
    this.batches = batches;
    this.next = first;
    this.accumulate = accumulate;
    this.evaluator = evaluator;
    this.opened = opened;
  }

  /** Decoding begins before the engine is loaded: both take a while. Throws InputError or RunError. */
  static async open(config: RunConfig, checkpoint: TrainingCalls['open']['request']['checkpoint']): Promise<TrainingSession> {
    const { size, accumulate } = config.batch;
    const dataset = await openDataset(config.data.train);
    if (dataset.length === 0) throw new InputError(`there are no images in ${config.data.train}: set data.train`);
    const classes = recipeOf(config.method).classes?.(config.method) ?? null;
    if (classes !== null && (dataset.classes.length === 0 || dataset.classes.length > classes)) throw new InputError(dataset.classes.length === 0 ? `the images in ${config.data.train} have no classes, which method ${config.method.name} needs: put them in a folder a class` : `the images in ${config.data.train} have ${dataset.classes.length} classes, more than method.classes ${classes}: set method.classes=${dataset.classes.length}`);
    const evaluator = await Evaluator.open(config);
    const stepsPerEpoch = new SampleOrder(dataset.length, size, config.seed).stepsPerEpoch / accumulate;
    const steps = scheduleSteps(config.schedule, stepsPerEpoch);
    const loader = openLoader(config, dataset, checkpoint?.step ?? 0, steps.totalSteps);
    const batches = loader[Symbol.asyncIterator]();
    const first = batches.next();
    // A failure is reported by the step that asks for the batch.
    first.catch(() => undefined);
    try {
      const { threads, ...request } = config.engine;
      const notes = evaluator?.notes ?? [];
      const engine = await openEngine({ ...request, ...(threads === null ? {} : { threads }) }, { say: (line) => notes.push(line) });
      const learner = Learner.create(config);
      if (checkpoint) await load(learner, checkpoint.folder);
      else {
        await learner.prepare();
        if (config.initial) notes.push(...(await initialiseEncoder(learner.parameters, config, config.initial)));
      }
      const { name, version, device, deviceName, precision } = engine;
      const parameters = learner.modelTensors().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      return new TrainingSession(engine, learner, loader, batches, first, accumulate, evaluator, { notes, engine: { name, version, device, deviceName, precision }, images: dataset.length, classes: dataset.classes.length, parameters, stepsPerEpoch, ...steps });
    } catch (error) {
      await loader.close();
      throw error;
    }
  }

  /** One optimizer step. Throws StepError, with the files, where the learner failed. */
  async step(rates: StepRates): Promise<TrainingStep> {
    const started = performance.now();
    const micro: Batch[] = [];
    for (let i = 0; i < this.accumulate; i++) {
      const result = await this.next;
      if (result.done) throw new RunError('the images ended before the run did');
      micro.push(result.value);
      this.next = this.batches.next();
      this.next.catch(() => undefined);
    }
    const dataSeconds = (performance.now() - started) / 1000;
    try {
      const report = await this.learner.step(micro, { ...rates, momentum: rates.momentum ?? 0 });
      return { ...report, seconds: (performance.now() - started) / 1000, dataSeconds, deviceBytes: this.engine.device === 'cpu' ? null : (this.engine.memory()?.peakBytes ?? null), skipped: micro.flatMap(({ skipped }) => skipped) };
    } catch (error) {
      throw new StepError(error, micro.flatMap(({ files }) => files));
    }
  }

  /** Writes model and optimizer into the folder, synced. */
  async save(folder: string): Promise<Record<string, FileDigest>> {
    return {
      [modelFile]: await write(join(folder, modelFile), this.learner.modelTensors()),
      [optimizerFile]: await write(join(folder, optimizerFile), this.learner.optimizerTensors()),
    };
  }

  /** Measures the model as it is, between two steps; null where that was cancelled. */
  evaluate(): Promise<TrainingCalls['evaluate']['reply']> {
    if (!this.evaluator) throw new Error('an evaluation of a run that asks for none');
    return this.evaluator.measure(this.learner.parameters);
  }

  cancel(): null {
    this.evaluator?.cancel();
    return null;
  }

  async close(): Promise<void> {
    await this.loader.close();
    this.learner.dispose();
  }
}

function openLoader(config: RunConfig, dataset: Dataset, step: number, totalSteps: number): Loader {
  const { accumulate } = config.batch;
  return new Loader({ source: config.data.train, dataset, plan: viewPlanOf(config), seed: config.seed, batchSize: config.batch.size, repeats: config.data.repeats, workers: config.data.workers, startStep: step * accumulate, steps: totalSteps * accumulate });
}

const write = (path: string, tensors: NamedTensor[]): Promise<FileDigest> => writeSafetensors(path, tensors.map((tensor) => ({ name: tensor.name, shape: tensor.shape, dtype: 'F32' as const, data: () => tensor.read() })), { format: 'pt' });

async function load(learner: Learner, folder: string): Promise<void> {
  const model = await openTensorFile(join(folder, modelFile));
  try {
    const optimizer = await openTensorFile(join(folder, optimizerFile));
    try {
      await learner.load(model, optimizer);
    } finally {
      await optimizer.close();
    }
  } finally {
    await model.close();
  }
}
