/**
 * A pool of decoding threads, each with a decoder process. Batches are handed to all of them at once and shared out slot by slot through
 * atomics, so that decoding goes on while this thread is busy. A file that kills its decoder or keeps it too long is reported.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../assets.ts';
import { RunError } from '../errors.ts';
import { BatchBuffer, type ViewShape } from './batchBuffer.ts';
import { jobShapes, type FromWorker, type Job, type JobSample, type ToWorker, type WorkerData } from './job.ts';

const defaultSampleMilliseconds = 10_000;

/** Called where a sample cannot be had: gives another for its slot, or null to leave the slot empty. A throw fails the batch. */
export type Replace = (slot: number, reason: string) => JobSample | null;

interface PendingBatch {
  buffer: BatchBuffer;
  replace: Replace;
  resolve(buffer: BatchBuffer): void;
  reject(error: Error): void;
}

/** How many workers a machine is given where nobody says: one core is left to training. */
export const defaultWorkers = (): number => Math.max(1, Math.min(4, availableParallelism() - 1));

export class DecodePool {
  readonly shapes: ViewShape[];
  private readonly workers: Worker[];
  private readonly exits: Promise<unknown>[] = [];
  private readonly batches = new Map<number, PendingBatch>();
  private nextId = 1;
  private nextRetry = 0;
  /** Why it takes no more batches. */
  private closed: RunError | null = null;

  /** A file that takes longer than `sampleMilliseconds` is given up on. */
  constructor(job: Job, workers: number | 'auto', sampleMilliseconds = defaultSampleMilliseconds) {
    this.shapes = jobShapes(job);
    this.workers = Array.from({ length: workers === 'auto' ? defaultWorkers() : workers }, () => {
      const worker = new Worker(workerUrl('decode'), { workerData: { job, sampleMilliseconds } satisfies WorkerData });
      worker.on('message', (message: FromWorker) => this.receive(message));
      this.exits.push(new Promise((resolve) => worker.once('exit', resolve)));
      worker.on('error', (error: Error) => this.end(new RunError(`a thread that reads images ended: ${error.message}`, { cause: error })));
      return worker;
    });
  }

  /** Renders samples into one batch buffer, slot by slot. Rejects with RunError when the pool closes or cannot work. */
  submit(samples: JobSample[], replace: Replace): Promise<BatchBuffer> {
    if (this.closed) return Promise.reject(this.closed);
    const id = this.nextId++;
    const buffer = new BatchBuffer(this.shapes, samples.length);
    return new Promise((resolve, reject) => {
      this.batches.set(id, { buffer, replace, resolve, reject });
      this.tellAll({ kind: 'batch', id, buffer: buffer.buffer, samples });
    });
  }

  /** Ends all workers; batches in work are rejected. */
  async close(): Promise<void> {
    this.end(new RunError('the image workers were closed while a batch was in work'));
    await Promise.all(this.exits);
  }

  private end(reason: RunError): void {
    if (this.closed) return;
    this.closed = reason;
    for (const batch of this.batches.values()) batch.reject(reason);
    this.batches.clear();
    this.tellAll({ kind: 'stop' });
  }

  private tellAll(message: ToWorker): void {
    for (const worker of this.workers) worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.kind === 'complete') this.complete(message.id);
    else if (message.kind === 'failed') this.giveUp(message.id, message.slot, message.reason);
    else this.end(new RunError(`${message.reason}. Run "siamscope doctor"`));
  }

  private complete(id: number): void {
    const batch = this.batches.get(id);
    if (!batch) return;
    this.batches.delete(id);
    this.tellAll({ kind: 'drop', id });
    batch.resolve(batch.buffer);
  }

  /** Gives a slot another sample. */
  private giveUp(id: number, slot: number, reason: string): void {
    const batch = this.batches.get(id);
    if (!batch) return;
    let sample: JobSample | null;
    try {
      sample = batch.replace(slot, reason);
    } catch (error) {
      this.batches.delete(id);
      this.tellAll({ kind: 'drop', id });
      batch.reject(error as Error);
      return;
    }
    if (sample) this.workers[this.nextRetry++ % this.workers.length]!.postMessage({ kind: 'slot', id, slot, sample } satisfies ToWorker);
    else if (batch.buffer.finish(slot)) this.complete(id);
  }
}
