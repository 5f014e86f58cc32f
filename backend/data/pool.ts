/**
 * A pool of decoding workers. Batches are handed to all of them at once and shared out slot by slot through atomics, so
 * decoding goes on while this thread is busy. A worker that dies or hangs on a file is replaced, and the file reported.
 *
 * Workers are never terminated, but asked to stop and waited for: a native decoder whose thread is being torn down when
 * it returns throws where nobody can catch it, and takes the whole process along.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../assets.ts';
import { RunError } from '../errors.ts';
import { BatchBuffer, type ViewShape } from './batchBuffer.ts';
import { heartbeatCells as cells, jobShapes, type FromWorker, type Job, type JobSample, type ToWorker, type WorkerData } from './job.ts';

const defaultSampleMilliseconds = 10_000;
/** How long stopping waits for samples in work; one that takes longer is left to end by itself. */
const stopMilliseconds = 2000;
/** Workers that die before they have done anything do so for a reason that starting more does not cure. */
const maxIdleDeaths = 3;

/** Called where a sample cannot be had: gives another for its slot, or null to leave the slot empty. A throw fails the batch. */
export type Replace = (slot: number, attempt: number, reason: string) => JobSample | null;

interface Member {
  worker: Worker;
  beat: BigInt64Array;
  /** Slots that it was sent for one more try. */
  retries: Extract<ToWorker, { kind: 'slot' }>[];
  /** The error that it died of, once known. */
  error: Error | null;
}

interface PendingBatch {
  buffer: BatchBuffer;
  samples: JobSample[];
  /** Tries so far, of slots that were tried more than once. */
  attempts: Map<number, number>;
  replace: Replace;
  resolve(buffer: BatchBuffer): void;
  reject(error: Error): void;
}

/** How many workers a machine is given where nobody says: one core is left to training. */
export const defaultWorkers = (): number => Math.max(1, Math.min(4, availableParallelism() - 1));

export class DecodePool {
  readonly shapes: ViewShape[];
  private readonly job: Job;
  private members: Member[];
  private readonly batches = new Map<number, PendingBatch>();
  private readonly timer: NodeJS.Timeout;
  private readonly sampleMilliseconds: number;
  private nextId = 1;
  private nextRetry = 0;
  private idleDeaths = 0;
  private closed = false;

  /** A file that takes longer than `sampleMilliseconds` is given up on. */
  constructor(job: Job, workers: number | 'auto', sampleMilliseconds = defaultSampleMilliseconds) {
    this.job = job;
    this.sampleMilliseconds = sampleMilliseconds;
    this.shapes = jobShapes(job);
    this.members = Array.from({ length: workers === 'auto' ? defaultWorkers() : workers }, () => this.start());
    this.timer = setInterval(() => this.checkHeartbeats(), sampleMilliseconds / 20);
    this.timer.unref();
    process.on('exit', this.stopAtExit);
  }

  /** Renders samples into one batch buffer, slot by slot. Rejects with RunError when the pool closes or cannot work. */
  submit(samples: JobSample[], replace: Replace): Promise<BatchBuffer> {
    if (this.closed) return Promise.reject(new RunError('the image workers have been closed'));
    const id = this.nextId++;
    const buffer = new BatchBuffer(this.shapes, samples.length);
    return new Promise((resolve, reject) => {
      this.batches.set(id, { buffer, samples, attempts: new Map(), replace, resolve, reject });
      for (const { worker } of this.members) send(worker, { kind: 'batch', id, buffer: buffer.buffer, samples });
    });
  }

  /** Ends all workers; batches in work are rejected. */
  async close(): Promise<void> {
    await this.end(new RunError('the image workers were closed while a batch was in work'));
  }

  private async end(error: RunError): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    for (const batch of this.batches.values()) batch.reject(error);
    this.batches.clear();
    process.off('exit', this.stopAtExit);
    const members = this.members.splice(0);
    await Promise.all(members.map((member) => stop(member)));
  }

  /** When the process exits without `close`: its end tears threads down, so samples in work are waited for. */
  private readonly stopAtExit = (): void => {
    const deadline = Date.now() + stopMilliseconds;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (const { beat } of this.members) Atomics.store(beat, cells.stop, 1n);
    while (Date.now() < deadline && this.members.some(({ beat }) => Atomics.load(beat, cells.begun) !== 0n)) Atomics.wait(pause, 0, 0, 1);
  };

  private start(): Member {
    const heartbeat = new SharedArrayBuffer(8 * cells.count);
    const worker = new Worker(workerUrl('decode'), { workerData: { job: this.job, heartbeat } satisfies WorkerData });
    const member: Member = { worker, beat: new BigInt64Array(heartbeat), retries: [], error: null };
    worker.on('message', (message: FromWorker) => this.receive(message));
    worker.on('error', (error: Error) => (member.error = error));
    worker.on('exit', () => this.replaceMember(member, `the decoder died on it${member.error ? `: ${member.error.message}` : ''}`));
    return member;
  }

  private receive(message: FromWorker): void {
    this.idleDeaths = 0;
    if (message.kind === 'complete') this.complete(message.id);
    else this.giveUp(message.id, message.slot, message.reason);
  }

  private complete(id: number): void {
    const batch = this.batches.get(id);
    if (!batch) return;
    this.batches.delete(id);
    for (const member of this.members) {
      member.retries = member.retries.filter((retry) => retry.id !== id);
      send(member.worker, { kind: 'drop', id });
    }
    batch.resolve(batch.buffer);
  }

  /** Takes a slot away from whoever had it and gives it another sample. */
  private giveUp(id: number, slot: number, reason: string): void {
    const batch = this.batches.get(id);
    if (!batch) return;
    const attempt = batch.attempts.get(slot) ?? 0;
    const next = attempt + 1;
    if (!batch.buffer.move(slot, attempt, next) && !batch.buffer.move(slot, BatchBuffer.writing, next)) return;
    batch.attempts.set(slot, next);
    let sample: JobSample | null;
    try {
      sample = batch.replace(slot, next, reason);
    } catch (error) {
      this.batches.delete(id);
      batch.reject(error as Error);
      return;
    }
    if (sample) this.retry({ kind: 'slot', id, slot, attempt: next, sample });
    else if (batch.buffer.finish(slot)) this.complete(id);
  }

  private retry(task: Extract<ToWorker, { kind: 'slot' }>): void {
    const member = this.members[this.nextRetry++ % this.members.length]!;
    member.retries.push(task);
    send(member.worker, task);
  }

  /** Starts a worker in place of one that died or hangs, and gives it all open work. */
  private replaceMember(member: Member, reason: string): void {
    const place = this.members.indexOf(member);
    if (this.closed || place < 0) return;
    const begun = Atomics.load(member.beat, cells.begun) !== 0n;
    if (!begun && ++this.idleDeaths > maxIdleDeaths) {
      void this.end(new RunError(`the image workers cannot start${member.error ? `: ${member.error.message}` : ''}. Run "siamscope doctor"`));
      return;
    }
    const successor = this.start();
    this.members[place] = successor;
    for (const [id, { buffer, samples }] of this.batches) send(successor.worker, { kind: 'batch', id, buffer: buffer.buffer, samples });
    const [id, slot] = [Number(member.beat[cells.batch]), Number(member.beat[cells.slot])];
    for (const retry of member.retries) {
      const batch = this.batches.get(retry.id);
      const inWork = begun && retry.id === id && retry.slot === slot;
      if (batch && !inWork && batch.buffer.state(retry.slot) === retry.attempt) this.retry(retry);
    }
    if (begun) {
      this.giveUp(id, slot, reason);
      // It may have died between its last slot and the message that the batch is complete.
      for (const [open, batch] of [...this.batches]) if (batch.buffer.isComplete) this.complete(open);
    }
  }

  private checkHeartbeats(): void {
    const now = process.hrtime.bigint();
    for (const member of [...this.members]) {
      const begun = Atomics.load(member.beat, cells.begun);
      if (begun === 0n || Number(now - begun) < this.sampleMilliseconds * 1e6) continue;
      void stop(member);
      this.replaceMember(member, `decoding took longer than ${this.sampleMilliseconds / 1000} s`);
    }
  }
}

/** Asks a worker to end after its sample, and waits for that for a while. */
function stop({ worker, beat }: Member): Promise<void> {
  Atomics.store(beat, cells.stop, 1n);
  send(worker, { kind: 'stop' });
  worker.unref();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, stopMilliseconds);
    worker.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const send = (worker: Worker, message: ToWorker): void => worker.postMessage(message);
