/** A decoder process as its thread sees it: samples in, views out, in order; one that dies or hangs is replaced, and its sample refused. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { builtFile } from '../assets.ts';
import { decoderHeaderBytes, decoderOutput, decoderStatus, type Job, type JobSample } from './job.ts';

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
  resolve: (views: ArrayBuffer) => void;
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
  private failedStarts = 0;

  constructor(job: Job, sampleMilliseconds: number) {
    this.job = job;
    this.sampleMilliseconds = sampleMilliseconds;
    this.child = this.start();
  }

  /** Decodes a sample and hands its views to `take`. Rejects with the reason where it cannot be had, or with DecoderBroken. */
  async decode(sample: JobSample, take: (views: ArrayBuffer) => void): Promise<void> {
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
    const child = spawn(process.execPath, [builtFile('decode.process.mjs')], { stdio: ['pipe', 'ignore', 'inherit', 'pipe'], windowsHide: true });
    child.once('error', (error) => this.lost(child, error.message));
    child.once('exit', (code, signal) => this.lost(child, signal ?? `exit code ${code}`));
    // Its end is told by 'exit'.
    child.stdin!.on('error', () => undefined);
    readFrames(child.stdio[decoderOutput] as Readable, (status, payload, length) => {
      if (child !== this.child) return;
      if (status === decoderStatus.ready) {
        this.isReady = true;
        this.failedStarts = 0;
        this.watch();
        return;
      }
      const first = this.asked.shift();
      this.watch();
      if (status === decoderStatus.sample) first?.resolve(payload.buffer);
      else first?.reject(new Error(payload.toString('utf8', 0, length)));
    });
    this.send(child, this.job);
    for (const { sample } of this.asked) this.send(child, sample);
    return child;
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

/** Calls back for each whole frame: its payload, at the beginning of memory that is used again after the call. */
function readFrames(stream: Readable, onFrame: (status: number, payload: Buffer<ArrayBuffer>, length: number) => void): void {
  const header = Buffer.alloc(decoderHeaderBytes);
  let payload = Buffer.alloc(0), length = 0, headerFilled = 0, filled = 0;
  stream.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length || (headerFilled === decoderHeaderBytes && filled === length); ) {
      if (headerFilled < decoderHeaderBytes) {
        const count = chunk.copy(header, headerFilled, at);
        headerFilled += count;
        at += count;
        if (headerFilled < decoderHeaderBytes) return;
        length = header.readUInt32LE(1);
        filled = 0;
        if (payload.length < length) payload = Buffer.alloc(length);
      } else if (filled < length) {
        const count = chunk.copy(payload, filled, at, Math.min(chunk.length, at + length - filled));
        filled += count;
        at += count;
      }
      if (headerFilled === decoderHeaderBytes && filled === length) {
        headerFilled = 0;
        onFrame(header[0]!, payload, length);
      }
    }
  });
  stream.on('error', () => undefined);
}
