/** The training loader: batches of augmented views in a fixed order, decoded ahead by workers, resumable at any step. */
import { checkPlan, type ViewPlan } from '../augment/plan.ts';
import { InputError } from '../errors.ts';
import type { Batch, SkippedFile } from './batch.ts';
import { BatchBuffer } from './batchBuffer.ts';
import type { Dataset } from './dataset.ts';
import type { JobSample } from './job.ts';
import { SampleOrder, type Slot } from './order.ts';
import { DecodePool } from './pool.ts';

export interface LoaderOptions {
  /** For messages; the dataset's source. */
  source: string;
  dataset: Dataset;
  plan: ViewPlan;
  seed: number;
  batchSize: number;
  /** Views of an image that follow each other; default 1. */
  repeats?: number;
  workers: number | 'auto';
  startStep: number;
  /** Total steps: the last batch is that of step `steps - 1`. */
  steps: number;
  /** Batches made ahead of the one that is asked for; default 2, fewer where they would take more than 1 GiB. */
  prefetch?: number;
}

const defaultPrefetch = 2;
const maxPrefetchBytes = 1024 ** 3;
/** A slot whose replacements fail this often in a row says that the dataset is broken, not a file. */
const maxReplacements = 64;

/** A step's batch in the making. */
interface ScheduledBatch {
  step: number;
  slots: Slot[];
  /** By slot, the files that were tried before the one it has. */
  skipped: SkippedFile[][];
  buffer: Promise<BatchBuffer>;
}

/** Iterate it once; leaving the loop, or `close`, ends its workers. */
export class Loader implements AsyncIterable<Batch> {
  readonly stepsPerEpoch: number;
  private readonly options: LoaderOptions;
  private readonly order: SampleOrder;
  private readonly pool: DecodePool;
  private readonly prefetch: number;
  private readonly scheduled: ScheduledBatch[] = [];
  /** Samples that could not be read, by index, and why: they are not tried again. */
  private readonly unreadable = new Map<number, string>();
  private nextStep: number;
  private closed = false;

  /** Throws InputError for a plan or numbers that cannot work. */
  constructor(options: LoaderOptions) {
    const { dataset, plan, batchSize, seed, startStep, steps, workers } = options;
    checkPlan(plan);
    for (const [name, value, least] of [['batchSize', batchSize, 1], ['startStep', startStep, 0], ['steps', steps, 0], ['workers', workers === 'auto' ? 1 : workers, 1]] as const)
      if (!Number.isInteger(value) || value < least) throw new InputError(`the loader's ${name} is ${value}: give a whole number, at least ${least}`);
    if (dataset.length === 0) throw new InputError(`the dataset ${options.source} is empty`);
    this.options = options;
    this.order = new SampleOrder(dataset.length, batchSize, seed, options.repeats);
    this.stepsPerEpoch = this.order.stepsPerEpoch;
    this.nextStep = startStep;
    this.pool = new DecodePool({ kind: 'views', plan, seed }, workers);
    const affordable = Math.floor(maxPrefetchBytes / BatchBuffer.bytes(this.pool.shapes, batchSize));
    this.prefetch = options.prefetch ?? Math.max(1, Math.min(defaultPrefetch, affordable));
  }

  /** Files that could not be read so far. */
  get skippedCount(): number {
    return this.unreadable.size;
  }

  /** Batches from startStep on. `next` rejects with InputError where hardly any file of the dataset can be read. */
  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    return {
      next: async () => {
        this.schedule();
        const scheduled = this.scheduled[0];
        if (this.closed || !scheduled) {
          await this.close();
          return { done: true, value: undefined };
        }
        try {
          const batch = this.assemble(scheduled, await scheduled.buffer);
          this.scheduled.shift();
          this.schedule();
          return { done: false, value: batch };
        } catch (error) {
          if (this.closed) return { done: true, value: undefined };
          await this.close();
          throw error;
        }
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Ends the workers at once; an iteration in progress ends. */
  async close(): Promise<void> {
    this.closed = true;
    this.scheduled.length = 0;
    await this.pool.close();
  }

  /** Hands out steps until `prefetch` batches beyond the one asked for are in the making. */
  private schedule(): void {
    while (!this.closed && this.scheduled.length <= this.prefetch && this.nextStep < this.options.steps) this.scheduled.push(this.begin(this.nextStep++));
  }

  private begin(step: number): ScheduledBatch {
    const { batchSize } = this.options;
    const skipped: SkippedFile[][] = Array.from({ length: batchSize }, () => []);
    const tried = new Uint32Array(batchSize);
    const slots: Slot[] = [];
    /** The slot's sample, or the first of its replacements that is not known to be unreadable. */
    const choose = (slot: number): JobSample => {
      for (;;) {
        const attempt = tried[slot]!;
        const candidate = attempt === 0 ? this.order.slot(step, slot) : this.order.replacement(step, slot, attempt);
        const reason = this.unreadable.get(candidate.index);
        slots[slot] = candidate;
        if (reason === undefined) return { ...candidate, ...this.options.dataset.location(candidate.index) };
        this.skip(skipped[slot]!, candidate.index, reason);
        tried[slot] = attempt + 1;
      }
    };
    const begin = async () => {
      const samples = Array.from({ length: batchSize }, (_, slot) => choose(slot));
      return this.pool.submit(samples, (slot, reason) => {
        const { index } = slots[slot]!;
        if (!this.unreadable.has(index)) this.unreadable.set(index, reason);
        return choose(slot);
      });
    };
    const buffer = begin();
    // A failure is reported where the batch is asked for, which may be later.
    buffer.catch(() => undefined);
    return { step, slots, skipped, buffer };
  }

  private skip(list: SkippedFile[], index: number, reason: string): void {
    const file = this.options.dataset.file(index);
    list.push({ file, reason });
    if (list.length >= Math.min(maxReplacements, this.options.dataset.length)) throw new InputError(`${list.length} samples in a row of ${this.options.source} cannot be read, the last one ${file}: ${reason}. Check that the dataset is whole`);
  }

  private assemble({ step, slots, skipped }: ScheduledBatch, buffer: BatchBuffer): Batch {
    const { dataset } = this.options;
    return {
      step,
      epoch: this.order.epochOf(step),
      indices: Uint32Array.from(slots, (slot) => slot.index),
      files: slots.map((slot) => dataset.file(slot.index)),
      labels: dataset.classes.length > 0 ? Int32Array.from(slots, (slot) => dataset.label(slot.index) ?? -1) : null,
      views: buffer.views.map(({ shape, masks, pixels }, view) => ({
        name: shape.name,
        size: shape.size,
        pixels,
        crops: slots.map((_, slot) => buffer.crop(slot, view)),
        mask: shape.patches > 0 ? masks : null,
      })),
      skipped: skipped.flat(),
    };
  }
}
