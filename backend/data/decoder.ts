/** A decoder process as its thread sees it: samples in, views out, in order; one that dies or hangs is replaced, and its sample refused. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { builtFile } from '../assets.ts';
import { BatchBuffer } from './batchBuffer.ts';
import { decoderHeaderBytes, decoderOutput, decoderSamples, decoderStatus, jobShapes, type Job, type JobSample } from './job.ts';

/** Processes that end before they are ready do so for a reason that starting more does not cure. */
const maxFailedStarts = 3;
/** From a cold disk, on a machine that does other things. */
const startMilliseconds = 60_000;

/** No decoder can be started. */
export class DecoderBroken extends Error {
  override name = 'DecoderBroken';
}

interface Asked {
  sample: JobSample;
  /** Takes the views: a batch of one, gone after the call. */
  resolve: (views: BatchBuffer) => void;
  reject: (error: Error) => void;
}

export class Decoder {
  private readonly job: Job;
  private readonly sampleMilliseconds: number;
  private child: ChildProcess | null = null;
  /** Asked and not answered, oldest first: the first one is in work. */
  private readonly asked: Asked[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isReady = false;
  /** What comes from the process, and how many it has given. */
  private file = -1;
  private samples = 0;
  private readonly sample: BatchBuffer;
  private failedStarts = 0;

  constructor(job: Job, sampleMilliseconds: number) {
    this.job = job;
    this.sampleMilliseconds = sampleMilliseconds;
    this.sample = new BatchBuffer(jobShapes(job), 1);
    this.child = this.start();
  }

  /** Decodes a sample and hands its views to `take`; at most `decoderSamples` at once. Rejects with the reason where it cannot be had, or with DecoderBroken. */
  async decode(sample: JobSample, take: (views: BatchBuffer) => void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.asked.push({ sample, reject, resolve: (views) => { take(views); resolve(); } });
      if (this.child) this.send(this.child, sample);
      else this.child = this.start();
      if (this.asked.length === 1) this.watch();
    });
  }

  /** Ends the process at once: it holds nothing that could be lost. */
  close(): void {
    clearTimeout(this.timer);
    this.end(this.child);
    this.child = null;
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }

  private end(child: ChildProcess | null): void {
    child?.removeAllListeners('exit');
    child?.kill('SIGKILL');
  }

  private send(child: ChildProcess, message: Job | JobSample): void {
    child.stdin!.write(`${JSON.stringify(message)}\n`);
  }

  /** Starts a process and asks it for all that is open. */
  private start(): ChildProcess {
    this.isReady = false;
    this.samples = 0;
    if (this.file >= 0) closeSync(this.file);
    this.file = sharedFile();
    const child = spawn(process.execPath, [builtFile('decode.process.mjs')], { stdio: ['pipe', 'ignore', 'inherit', 'pipe', this.file], windowsHide: true });
    child.once('error', (error) => this.lost(child, error.message));
    child.once('exit', (code, signal) => this.lost(child, signal ?? `exit code ${code}`));
    // Its end is told by 'exit'.
    child.stdin!.on('error', () => undefined);
    readAnswers(child.stdio[decoderOutput] as Readable, (status, text) => {
      if (child !== this.child) return;
      if (status === decoderStatus.ready) {
        this.isReady = true;
        this.failedStarts = 0;
        this.watch();
        return;
      }
      const first = this.asked.shift();
      this.watch();
      if (status === decoderStatus.sample) first?.resolve(this.takeSample());
      else first?.reject(new Error(text));
    });
    this.send(child, this.job);
    for (const { sample } of this.asked) this.send(child, sample);
    return child;
  }

  private takeSample(): BatchBuffer {
    const bytes = new Uint8Array(this.sample.buffer);
    const from = (this.samples++ % decoderSamples) * bytes.length;
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.file, bytes, done, bytes.length - done, from + done);
      if (count === 0) throw new Error('a decoder wrote less than it said');
      done += count;
    }
    return this.sample;
  }

  /** Gives the sample in work its time; what it takes to start is no sample's fault. */
  private watch(): void {
    clearTimeout(this.timer);
    if (this.asked.length === 0) return;
    const { child } = this;
    this.timer = setTimeout(() => {
      this.end(child);
      if (this.isReady) this.replace(new Error(`decoding took longer than ${this.sampleMilliseconds / 1000} s`));
      else if (child) this.lost(child, `not ready after ${startMilliseconds / 1000} s`);
    }, this.isReady ? this.sampleMilliseconds : startMilliseconds);
  }

  /** A process ended, or could not be started. */
  private lost(child: ChildProcess, why: string): void {
    if (child !== this.child) return;
    if (this.isReady) return this.replace(new Error(`the decoder died on it (${why})`));
    if (++this.failedStarts < maxFailedStarts) {
      this.child = this.start();
      return this.watch();
    }
    clearTimeout(this.timer);
    this.child = null;
    for (const { reject } of this.asked.splice(0)) reject(new DecoderBroken(`image decoders end before they are ready (${why})`));
  }

  /** Refuses the sample in work, and asks a new process for the others. */
  private replace(reason: Error): void {
    const first = this.asked.shift();
    this.child = this.asked.length > 0 ? this.start() : null;
    this.watch();
    first?.reject(reason);
  }
}

/** Calls back for each answer of a decoder. */
function readAnswers(stream: Readable, onAnswer: (status: number, text: string) => void): void {
  let open: Buffer = Buffer.alloc(0);
  stream.on('error', () => undefined).on('data', (chunk: Buffer) => {
    open = open.length === 0 ? chunk : Buffer.concat([open, chunk]);
    while (open.length >= decoderHeaderBytes) {
      const end = decoderHeaderBytes + open.readUInt32LE(1);
      if (open.length < end) return;
      const [status, text] = [open[0]!, open.toString('utf8', decoderHeaderBytes, end)];
      open = open.subarray(end);
      onAnswer(status, text);
    }
  });
}

/** A file in memory, where there is such a place, that has no name any more: it is gone when its last descriptor is. */
function sharedFile(): number {
  const name = `siamscope-${randomBytes(8).toString('hex')}`;
  const path = join(isWritable('/dev/shm') ? '/dev/shm' : tmpdir(), name);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
