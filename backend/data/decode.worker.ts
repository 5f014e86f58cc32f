/** A decoding worker: takes slots of batches, one after the other, and writes their views into the batch's shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { Kernels } from '../augment/kernels.ts';
import { expandViews } from '../augment/plan.ts';
import { drawView, renderEvaluation, renderView } from '../augment/views.ts';
import { BatchBuffer } from './batchBuffer.ts';
import { decodeImage } from './decode.ts';
import { heartbeatCells as cells, jobShapes, type FromWorker, type JobSample, type ToWorker, type WorkerData } from './job.ts';
import { SampleReader } from './sampleReader.ts';

// One core a worker, no cache of files seen once, and no loader but those of the formats that are read.
sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Tiff', 'Nsgif'].map((format) => `VipsForeignLoad${format}`) });

const { job, heartbeat } = workerData as WorkerData;
const port = parentPort!;
const beat = new BigInt64Array(heartbeat);
const shapes = jobShapes(job);
const views = job.kind === 'views' ? expandViews(job.plan) : [];
const kernels = new Kernels();
const reader = new SampleReader();

interface OpenBatch {
  buffer: BatchBuffer;
  samples: JobSample[];
}
const batches = new Map<number, OpenBatch>();
const queue: (() => Promise<void>)[] = [];
let running = false;

const stopped = () => Atomics.load(beat, cells.stop) !== 0n;
const post = (message: FromWorker) => port.postMessage(message);

/** Renders a sample and returns how to write it: what is in the arena stays until the next sample. */
async function render(sample: JobSample): Promise<(buffer: BatchBuffer, slot: number) => void> {
  kernels.reset();
  const source = await decodeImage(kernels, reader.read(sample));
  if (job.kind === 'evaluation') {
    const picture = renderEvaluation(kernels, source, job.size);
    return (buffer, slot) => buffer.writeView(slot, 0, kernels.pixels(picture), null, null);
  }
  const key = { seed: job.seed, epoch: sample.epoch, index: sample.index };
  const rendered = views.map((view, i) => {
    const drawn = drawView(job.plan, views, i, key, source.width, source.height);
    return { drawn, picture: renderView(kernels, source, view, drawn) };
  });
  return (buffer, slot) => rendered.forEach(({ drawn, picture }, i) => buffer.writeView(slot, i, kernels.pixels(picture), drawn.crop, drawn.mask));
}

async function processSlot(id: number, buffer: BatchBuffer, slot: number, attempt: number, sample: JobSample): Promise<void> {
  beat[cells.batch] = BigInt(id);
  beat[cells.slot] = BigInt(slot);
  Atomics.store(beat, cells.begun, process.hrtime.bigint());
  try {
    const write = await render(sample);
    if (buffer.move(slot, attempt, BatchBuffer.writing)) {
      write(buffer, slot);
      if (buffer.finish(slot)) post({ kind: 'complete', id });
    }
  } catch (error) {
    post({ kind: 'failed', id, slot, attempt, reason: error instanceof Error ? error.message : String(error) });
  }
  Atomics.store(beat, cells.begun, 0n);
}

async function processBatch(id: number): Promise<void> {
  const batch = batches.get(id);
  if (!batch) return;
  while (!stopped()) {
    const slot = batch.buffer.claim();
    if (slot === null) return;
    await processSlot(id, batch.buffer, slot, 0, batch.samples[slot]!);
  }
}

/** Runs what is queued, one after the other: messages may arrive while libvips works. A closed port lets the thread end. */
async function drain(): Promise<void> {
  if (running) return;
  running = true;
  for (let task = queue.shift(); task && !stopped(); task = queue.shift()) await task();
  running = false;
  if (stopped()) port.close();
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'batch':
      batches.set(message.id, { buffer: new BatchBuffer(shapes, message.samples.length, message.buffer), samples: message.samples });
      queue.push(() => processBatch(message.id));
      break;
    case 'slot': {
      const { id, slot, attempt, sample } = message;
      // Before the batches that wait: someone may be waiting for this one.
      queue.unshift(async () => {
        const batch = batches.get(id);
        if (batch) await processSlot(id, batch.buffer, slot, attempt, sample);
      });
      break;
    }
    case 'drop':
      batches.delete(message.id);
      break;
    case 'stop':
      break;
  }
  void drain();
});
