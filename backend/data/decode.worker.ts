/** A decoding thread: takes slots of batches, has a decoder process render them, and puts their views into the batch's shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { BatchBuffer } from './batchBuffer.ts';
import { Decoder, DecoderBroken } from './decoder.ts';
import { decoderSamples, jobShapes, type FromWorker, type JobSample, type ToWorker, type WorkerData } from './job.ts';

const { job, sampleMilliseconds } = workerData as WorkerData;
const port = parentPort!;
const shapes = jobShapes(job);
const decoder = new Decoder(job, sampleMilliseconds);

interface OpenBatch {
  buffer: BatchBuffer;
  samples: JobSample[];
}
interface Task {
  id: number;
  slot: number;
  sample: JobSample;
}
/** In the order in which they are wanted. */
const batches = new Map<number, OpenBatch>();
const retries: Task[] = [];
let active = 0;

const post = (message: FromWorker) => port.postMessage(message);

/** The next slot to fill: of a retry before a new one, for someone may be waiting for it. */
function next(): Task | null {
  const retry = retries.shift();
  if (retry) return retry;
  for (const [id, { buffer, samples }] of batches) {
    const slot = buffer.claim();
    if (slot !== null) return { id, slot, sample: samples[slot]! };
  }
  return null;
}

async function fill({ id, slot, sample }: Task): Promise<void> {
  const batch = batches.get(id);
  if (!batch) return;
  try {
    await decoder.decode(sample, (views) => batch.buffer.writeSample(slot, views));
    if (batch.buffer.finish(slot)) post({ kind: 'complete', id });
  } catch (error) {
    const reason = (error as Error).message;
    post(error instanceof DecoderBroken ? { kind: 'broken', reason } : { kind: 'failed', id, slot, reason });
  }
}

/** Ends when there is nothing to do. */
async function lane(): Promise<void> {
  active++;
  for (let task = next(); task; task = next()) await fill(task);
  active--;
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'batch':
      batches.set(message.id, { buffer: new BatchBuffer(shapes, message.samples.length, message.buffer), samples: message.samples });
      break;
    case 'slot':
      retries.push(message);
      break;
    case 'drop':
      batches.delete(message.id);
      break;
    case 'stop':
      decoder.close();
      port.close();
      return;
  }
  for (let idle = decoderSamples - active; idle > 0; idle--) void lane();
});
