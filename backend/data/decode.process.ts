/**
 * A decoder: a process that turns encoded images into views, one after the other. Decoders of images are large native libraries fed with
 * files from anywhere; one that crashes or hangs takes this process along, and no run.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { corruptAndStore } from '../augment/corruptions/registry.ts';
import { Kernels } from '../augment/kernels.ts';
import { expandViews, type ViewSpec } from '../augment/plan.ts';
import { drawView, renderEvaluation, renderView } from '../augment/views.ts';
import { BatchBuffer } from './batchBuffer.ts';
import { decodeImage } from './decode.ts';
import { decoderFile, decoderHeaderBytes, decoderOutput, decoderSamples, decoderStatus, jobShapes, type Job, type JobSample } from './job.ts';
import { SampleReader } from './sampleReader.ts';

// One core a decoder, no cache of files seen once, and no loader but those of the formats that are read.
sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].map((format) => `VipsForeignLoad${format}`) });

// The run saves and ends by these; this ends when its input does, which is when the run has.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const kernels = new Kernels();
const reader = new SampleReader();

function say(status: number, text = ''): void {
  const message = Buffer.alloc(decoderHeaderBytes + Buffer.byteLength(text));
  message[0] = status;
  message.writeUInt32LE(message.length - decoderHeaderBytes, 1);
  message.write(text, decoderHeaderBytes);
  writeWhole(decoderOutput, message, null);
}

function writeWhole(descriptor: number, bytes: Uint8Array, position: number | null): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done, position === null ? null : position + done);
}

/** Renders a sample into a batch of one. What is in the kernels' arena stays until the next sample. */
async function render(job: Job, views: readonly ViewSpec[], sample: JobSample, target: BatchBuffer): Promise<void> {
  kernels.reset();
  const source = await decodeImage(kernels, reader.read(sample));
  if (job.kind === 'evaluation') {
    const { size, corrupted } = job, pixels = kernels.pixels(renderEvaluation(kernels, source, size));
    if (!corrupted || !sample.corruption) return target.writeView(0, 0, pixels, null, null);
    const { levels, seed } = corrupted, clean = pixels.slice();
    for (const [i, level] of levels.entries()) target.writeView(0, i, await corruptAndStore(kernels, clean, size, sample.corruption, level, { seed, index: sample.index }), null, null);
    return;
  }
  const key = { seed: job.seed, epoch: sample.epoch, index: sample.index };
  views.forEach((view, i) => {
    const drawn = drawView(job.plan, views, i, key, source.width, source.height);
    target.writeView(0, i, kernels.pixels(renderView(kernels, source, view, drawn)), drawn.crop, drawn.mask);
  });
}

async function answer(lines: AsyncIterable<string>): Promise<void> {
  let job: Job | null = null, views: readonly ViewSpec[] = [], target: BatchBuffer, samples = 0;
  for await (const line of lines) {
    if (!job) {
      job = JSON.parse(line) as Job;
      views = job.kind === 'views' ? expandViews(job.plan) : [];
      target = new BatchBuffer(jobShapes(job), 1);
      say(decoderStatus.ready);
      continue;
    }
    try {
      await render(job, views, JSON.parse(line) as JobSample, target!);
      const bytes = new Uint8Array(target!.buffer);
      writeWhole(decoderFile, bytes, (samples++ % decoderSamples) * bytes.length);
      say(decoderStatus.sample);
    } catch (error) {
      say(decoderStatus.refused, error instanceof Error ? error.message : String(error));
    }
  }
}

// A sample in work when the input ends is for nobody, however long it would take.
process.stdin.once('end', () => process.exit(0));
try {
  await answer(createInterface({ input: process.stdin, crlfDelay: Infinity }));
} catch (error) {
  // Nobody reads any more.
  process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1);
}
