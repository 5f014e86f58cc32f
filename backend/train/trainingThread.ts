/** The main thread's side of the training thread: each call ends in its reply, its error, or the thread's exit. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../assets.ts';
import { tuneNativeRuntime } from '../engines/nativeEnvironment.ts';
import { InputError, RunError } from '../errors.ts';
import type { ErrorMessage, TrainingCalls, TrainingReply, TrainingRequest } from '../protocol.ts';
import type { RunConfig } from './config.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** An error of the training thread, with the images that it happened on where there are any. */
export interface TrainingError extends Error {
  files?: string[];
  code?: string;
}

export class TrainingThread {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private ended: Error | null = null;

  /** Starts the thread at once, so that it loads its code while the run file is read. */
  constructor() {
    tuneNativeRuntime();
    this.worker = new Worker(workerUrl('train'), { name: 'training' });
    this.worker.on('message', (message: TrainingReply) => this.settle(message));
    this.worker.on('error', (error: NodeJS.ErrnoException) => this.end(new RunError(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'the training thread ran out of memory: lower batch.size (and raise batch.accumulate)' : `the training thread failed: ${error.message}`, { cause: error })));
    this.worker.on('exit', () => this.end(new RunError('the training thread has ended')));
  }

  /** Rejects with the thread's own InputError or RunError, or with RunError when it ends. */
  call<K extends keyof TrainingCalls>(kind: K, request: TrainingCalls<RunConfig>[K]['request']): Promise<TrainingCalls[K]['reply']> {
    if (this.ended) return Promise.reject(this.ended);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: (value) => resolve(value as TrainingCalls[K]['reply']), reject });
      const message = { kind, id, ...request } as TrainingRequest<RunConfig>;
      this.worker.postMessage(message);
    });
  }

  /**
   * Ends the thread when it has closed what it opened. It is never terminated: a thread that is torn down while it loads a
   * native library takes the process with it.
   */
  async close(): Promise<void> {
    if (this.ended) return;
    const exited = once(this.worker, 'exit');
    await this.call('close', {}).catch(() => undefined);
    await exited;
  }

  private settle(message: TrainingReply): void {
    const call = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'reply') call?.resolve(message.value);
    else call?.reject(revive(message.error));
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const call of this.pending.values()) call.reject(this.ended);
    this.pending.clear();
  }
}

/** The error as this thread's own classes. */
function revive({ name, message, stack, code, files }: ErrorMessage): TrainingError {
  const error: TrainingError = name === 'InputError' ? new InputError(message) : name === 'RunError' ? new RunError(message) : new Error(message);
  if (stack) error.stack = stack;
  if (code) error.code = code;
  if (files) error.files = files;
  return error;
}
