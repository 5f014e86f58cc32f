/** What decoding is asked to do, and the messages between the pool, its threads, and the decoder processes behind them. */
import type { CorruptionName, Level } from '../augment/corruptions/names.ts';
import { expandViews, gridOf, type ViewPlan } from '../augment/plan.ts';
import type { ViewShape } from './batchBuffer.ts';
import type { SampleLocation } from './dataset.ts';

/** A sample's corruption is made anew from the evaluation's picture for each level. */
export interface CorruptedLevels {
  levels: readonly Level[];
  seed: number;
}

/** The views of training, or the one resized and centrally cropped picture of evaluation, as it is or corrupted. */
export type Job = { kind: 'views'; plan: ViewPlan; seed: number } | { kind: 'evaluation'; size: number; corrupted?: CorruptedLevels };

export interface JobSample extends SampleLocation {
  /** Of the dataset. */
  index: number;
  epoch: number;
  /** Where the job is to corrupt. */
  corruption?: CorruptionName;
}

export interface WorkerData {
  job: Job;
  /** A sample that takes longer is given up on. */
  sampleMilliseconds: number;
}

export type ToWorker =
  | { kind: 'batch'; id: number; buffer: SharedArrayBuffer; samples: JobSample[] }
  /** One more try at a slot, with another sample. */
  | { kind: 'slot'; id: number; slot: number; sample: JobSample }
  | { kind: 'drop'; id: number }
  | { kind: 'stop' };

export type FromWorker =
  | { kind: 'complete'; id: number }
  | { kind: 'failed'; id: number; slot: number; reason: string }
  /** No decoder can be started. */
  | { kind: 'broken'; reason: string };

/**
 * A decoder process is told the job and then one sample a line, as JSON, and answers in that order: a byte of status, a uint32 of length
 * (little endian) and so many bytes. A refusal is its reason. A sample is a batch of one (BatchBuffer) and comes by a file that both have
 * open: the nth one at n modulo `decoderSamples` times its length, for half a megabyte goes through a pipe ten times slower.
 */
export const decoderStatus = { ready: 0, sample: 1, refused: 2 } as const;
export const decoderHeaderBytes = 5;
/** Samples that may be asked for at once: the decoder has the next one while the last is taken over. */
export const decoderSamples = 2;
/** Descriptors of answers and of the file: native libraries print to the standard ones. */
export const decoderOutput = 3, decoderFile = 4;

/** The views that a job writes, in order. */
export function jobShapes(job: Job): ViewShape[] {
  if (job.kind === 'evaluation') return (job.corrupted?.levels ?? [0]).map((level) => ({ name: `evaluation ${level}`, size: job.size, patches: 0 }));
  return expandViews(job.plan).map((view) => ({
    name: view.name,
    size: view.size,
    patches: view.mask && view.mask.kind !== 'none' ? gridOf(view, job.plan.patchSize) ** 2 : 0,
  }));
}
